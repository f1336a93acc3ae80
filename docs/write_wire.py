"""Writes down what travels between gateway and server, for those who build their own end of it.

`docs/wire/schema.json` holds each message as JSON Schema 2020-12, `docs/wire/asyncapi.json` the
topics, who sends what on them, and the properties beside it (AsyncAPI 3.0.0). Both are made from
the structs of `yikao_devices.wire`, the very ones that decode; with `--check` nothing is written,
and the exit code is 1 when a file is out of date.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from generated import write_or_compare

from yikao_devices import topics, wire

FOLDER: Final = Path(__file__).parent / "wire"
SENT: Final = {
    f"{topics.READING}/+": wire.Message,
    topics.EVENT: wire.Message,
    topics.BIRTH: wire.Birth,
    topics.STATUS: wire.Status,
    topics.COMMAND_RESULT: wire.CommandResult,
    topics.RECEIPT: wire.Receipt,
    topics.COMMAND: wire.Command,
    topics.CONFIGURATION: wire.Configuration,
    topics.CONFIGURATION_STATE: wire.ConfigurationState,
}
"""What travels on each channel of topics.py."""
RETAINED: Final = (topics.BIRTH, topics.STATUS, topics.CONFIGURATION_STATE)
KINDS: Final = [str(item.__struct_config__.tag) for item in get_args(wire.Item)]
READING_KINDS: Final = [kind for kind in KINDS if topics.item_channel(kind) != topics.EVENT]

PROPERTIES: Final = {
    topics.PROPERTY_KEY_ID: "names the gateway's key; the signature decides, not the name",
    topics.PROPERTY_SIGNATURE: "Ed25519 over the exact payload, 64 bytes, base64url, no padding",
    topics.PROPERTY_MESSAGE_ID: "names this one message, so that a receipt can refuse it unread",
}
PARAMETERS: Final = {
    "tenant": {"description": "whose installation; no special character of a topic"},
    "gateway": {"description": "the gateway's id, also its MQTT client id"},
    "kind": {"description": "the `kind` of all items of the message", "enum": READING_KINDS},
}


def schemas(template: str) -> dict[str, Any]:
    """Return the JSON Schema of every struct, by name; references follow `template`."""
    wanted = (*dict.fromkeys(SENT.values()), wire.Item)
    (*_, item), components = msgspec.json.schema_components(wanted, ref_template=template)
    for schema in components.values():
        # Python 3.13 strips the indentation of docstrings, older ones keep it.
        schema["description"] = " ".join(schema["description"].split())
    # Items stay raw in a message, so that one bad item costs no other; each must be one of these.
    components["Message"]["properties"]["items"]["items"] = {"anyOf": item["anyOf"]}
    return components


def json_schema() -> dict[str, Any]:
    """Return all messages as one JSON Schema document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Yikao wire format, version {wire.VERSION}",
        "description": "Unknown fields are tolerated; missing ones have their default.",
        "$defs": schemas("#/$defs/{name}"),
    }


def asyncapi() -> dict[str, Any]:
    """Return topics, messages and directions, as seen from the server."""
    listed = (*topics.FROM_GATEWAYS, *topics.TO_GATEWAY)
    assert set(SENT) == set(listed), "each channel of topics.py carries a message"
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Yikao gateway and server",
            "version": f"{wire.VERSION}.0.0",
            "description": (
                "MQTT 5, QoS 1. A gateway forgets an item only when a receipt names it: the "
                "broker's acknowledgement is no promise. No topic says who the resident is."
            ),
            "license": {
                "name": "Apache-2.0",
                "url": "https://www.apache.org/licenses/LICENSE-2.0",
            },
        },
        "defaultContentType": wire.CONTENT_TYPE,
        "channels": {_name(channel): _channel(channel) for channel in listed},
        "operations": {_name(channel): _operation(channel) for channel in listed},
        "components": {
            "messages": {kind.__name__: _message(kind) for kind in dict.fromkeys(SENT.values())},
            "schemas": schemas("#/components/schemas/{name}"),
        },
    }


def _name(channel: str) -> str:
    return channel.removesuffix("/+").replace("/", "_")


def _channel(channel: str) -> dict[str, Any]:
    kind = SENT[channel].__name__
    address = topics.topic("{tenant}", "{gateway}", channel.replace("+", "{kind}"))
    return {
        "address": address,
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"}},
        "parameters": {
            name: about for name, about in PARAMETERS.items() if f"{{{name}}}" in address
        },
    }


def _operation(channel: str) -> dict[str, Any]:
    retained = {"retain": True} if channel in RETAINED else {}
    return {
        "action": "send" if channel in topics.TO_GATEWAY else "receive",
        "channel": {"$ref": f"#/channels/{_name(channel)}"},
        "bindings": {"mqtt": {"qos": 1, **retained, "bindingVersion": "0.2.0"}},
    }


def _message(kind: type) -> dict[str, Any]:
    """Return a message; what a gateway sends is signed, in MQTT 5 user properties."""
    first = (kind.__doc__ or "").partition("\n\n")[0]
    message: dict[str, Any] = {
        "summary": " ".join(first.split()),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }
    if any(SENT[channel] is kind for channel in topics.FROM_GATEWAYS):
        fields = {
            name: {"type": "string", "description": text} for name, text in PROPERTIES.items()
        }
        message["headers"] = {
            "type": "object",
            "description": "MQTT 5 user properties",
            "required": list(fields),
            "properties": fields,
        }
    return message


def main(arguments: list[str]) -> int:
    """Write both files, or compare them; return the exit code."""
    documents = {"schema.json": json_schema(), "asyncapi.json": asyncapi()}
    files = {
        FOLDER / name: json.dumps(document, ensure_ascii=False, indent=2) + "\n"
        for name, document in documents.items()
    }
    return write_or_compare(files, arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
