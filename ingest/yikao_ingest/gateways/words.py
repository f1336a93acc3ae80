"""What a gateway says of itself, as the statement that keeps it: it is no data of a resident's."""

from typing import Any, Final

from msgspec import json, to_builtins

from yikao_devices import topics, wire

TALK: Final = (topics.BIRTH, topics.STATUS, topics.COMMAND_RESULT, topics.CONFIGURATION_STATE)
"""Channels on which gateways speak of themselves; on all others they carry items."""


def word(channel: str, payload: bytes) -> tuple[str, dict[str, Any]]:
    """Return the statement of queries.sql that keeps a gateway's word, and its values.

    Raises what decoding raises.
    """
    match channel:
        case topics.BIRTH:
            birth = wire.decode_birth(payload)
            machine = _json(birth.machine) if birth.machine else None
            said = {"boot": birth.boot, "version": birth.version, "machine": machine}
            return "gateway_birth", said
        case topics.STATUS:
            status = wire.decode_status(payload)
            online = status.s == "online"
            known = {"boot": status.boot, "online": online, "waiting": status.waiting}
            return "gateway_status", known
        case topics.CONFIGURATION_STATE:
            return "gateway_configuration_state", _state(wire.decode_configuration_state(payload))
        case _:
            result = wire.decode_command_result(payload)
            answer = {"command_id": result.command_id, "outcome": result.outcome}
            return "command_result", answer


def _state(state: wire.ConfigurationState) -> dict[str, Any]:
    return {
        "revision": state.revision,
        "outcome": state.outcome,
        "code": state.code,
        "field": state.field,
        "in_force": _json(state.in_force),
        "local": list(state.local),
        "boot": state.boot,
        "told_at": state.t,
    }


def _json(value: object) -> str:
    """Return a value as JSON that a database takes, which has no letter for zero."""
    return json.encode(to_builtins(value)).decode().replace("\\u0000", "")
