"""How a gateway is told from the server what to do differently, and what it answers.

The server says what it wants (`Configuration`, on `config`); the gateway tries it, keeps it only
when it has proved itself, and says what is in force (`ConfigurationState`, on `config/state`). Each
wish is complete and has a higher revision than those before it: an older one that comes late
changes nothing. Every setting has bounds within which no value does harm; keys, files and addresses
are not among them.

Pattern: desired and reported state, as in the device shadows of several providers.
"""

from datetime import timedelta
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, json

from yikao_devices.wire_items import Aware, Code

LOG_MAX: Final = timedelta(days=1)
"""The longest that a gateway logs otherwise than usual; whatever is wished, it then returns."""
ADAPTERS_MAX: Final = 8

Count = Annotated[int, Meta(ge=0, le=2**53)]
Revision = Annotated[int, Meta(ge=1, le=2**53)]
LogLevel = Literal["debug", "info", "warning"]
Outcome = Literal["trying", "applied", "refused", "returned"]
"""What became of a revision: `returned` is one that did not prove itself, and is no more in force;
`trying` has no end without one of the others."""


class Configuration(Struct, frozen=True, omit_defaults=True):
    """What a gateway is to do from now on; what is not named is as the gateway itself has it.

    A name that the gateway's own settings give is not changed: `local` in its answer.
    """

    revision: Revision
    log_level: LogLevel | None = None
    """Needs `log_until`; a day at the longest."""
    log_until: Aware | None = None
    language: Literal["zh", "en"] | None = None
    """Of what is shown and spoken at home."""
    pairing: Literal["listed", "mode"] | None = None
    """`mode`: bond with nobody unless a person opens pairing mode."""
    heartbeat_s: Annotated[float, Meta(ge=10, le=600)] | None = None
    """Less often than every ten minutes, and the gateway would count as silent."""
    reread_s: Annotated[float, Meta(ge=10, le=3600)] | None = None
    eager_s: Annotated[float, Meta(ge=0.5, le=60)] | None = None
    """The shortest pause between two visits to a device; doubled after each that was in vain."""
    backlog_rows: Annotated[int, Meta(ge=10, le=500)] | None = None
    """Items of the backlog under way at once: fewer leave a narrow line to what is new."""


class InForce(Struct, frozen=True):
    """What a gateway does now, wherever it has it from."""

    revision: Count
    """The configuration that is in force; 0: none, its own settings alone."""
    log_level: LogLevel
    language: Literal["zh", "en"]
    pairing: Literal["listed", "mode"]
    heartbeat_s: Annotated[float, Meta(ge=0, le=86_400)]
    reread_s: Annotated[float, Meta(ge=0, le=86_400)]
    eager_s: Annotated[float, Meta(ge=0, le=86_400)]
    backlog_rows: Annotated[int, Meta(ge=1, le=100_000)]
    log_until: Aware | None = None


class ConfigurationState(Struct, frozen=True, omit_defaults=True):
    """Retained: what became of the newest revision that the gateway has seen, and what it does."""

    revision: Count
    """0: it has seen none, or one whose number could not be read."""
    outcome: Outcome
    in_force: InForce
    boot: Count
    t: Aware
    version: Annotated[str, Meta(max_length=64)]
    code: Code | None = None
    """Why it was refused or given up."""
    field: Code | None = None
    """The field for which it was refused."""
    local: Annotated[tuple[Code, ...], Meta(max_length=32)] = ()
    """What was wished and is not done, because the gateway's own settings say otherwise."""


class Machine(Struct, frozen=True, omit_defaults=True):
    """What a gateway runs on, as far as it matters to whoever keeps many of them.

    No serial number, no address, no name of a host: none is needed, and each tells of a home.
    """

    python: Annotated[str, Meta(max_length=32)]
    system: Annotated[str, Meta(max_length=120)]
    disk_free_mib: Annotated[int, Meta(ge=0, le=2**31 - 1)]
    bluez: Annotated[str, Meta(max_length=32)] | None = None
    adapters: Annotated[
        tuple[Annotated[str, Meta(max_length=16)], ...], Meta(max_length=ADAPTERS_MAX)
    ] = ()
    certificate_until: Aware | None = None


def faulty_field(configuration: Configuration) -> str | None:
    """Return the field that does not go with the others; None when all do."""
    if (configuration.log_level is None) != (configuration.log_until is None):
        return "log_until" if configuration.log_until is None else "log_level"
    return None


decode_configuration = json.Decoder(Configuration).decode
decode_configuration_state = json.Decoder(ConfigurationState).decode
