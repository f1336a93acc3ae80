"""A decoded frame as plain data for people and scripts: the wire, before any judgement."""

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeAlias

from yikao_devices.date_time import DateTime, EpochTime

Plain: TypeAlias = str | int | float | bool | list["Plain"] | dict[str, "Plain"] | None


def describe(value: Any) -> dict[str, Plain]:
    """Return the fields of a decoded frame (one of the kernel's dataclasses) by name.

    Fields that the frame does not have are absent, not null; times are ISO 8601 without a zone,
    specials and quirks their names, trailing bytes hexadecimal, records and intervals lists. Null
    is a device that says that it cannot tell.
    """
    named = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {name: _plain(part) for name, part in named if part is not None and part != b""}


def _plain(part: Any) -> Plain:
    match part:
        case DateTime() | EpochTime():
            return part.isoformat()
        case Enum():
            named: Plain = part.value
            return named
        case bytes():
            return part.hex()
        case tuple():
            return [_plain(each) for each in part]
        case _ if is_dataclass(part):
            return describe(part)
        case _:
            plain: Plain = part
            return plain
