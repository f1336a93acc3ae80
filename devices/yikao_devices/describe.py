"""A decoded frame as plain data for people and scripts: the wire, before any judgement."""

from dataclasses import fields
from enum import Enum
from typing import Any

from yikao_devices.date_time import DateTime

Plain = str | int | float | bool


def describe(value: Any) -> dict[str, Plain]:
    """Return the fields of a decoded frame (one of the kernel's dataclasses) by name.

    Fields that the frame does not have are absent, not null; times are ISO 8601 without a zone,
    specials and quirks their names, trailing bytes hexadecimal.
    """
    named = ((field.name, getattr(value, field.name)) for field in fields(value))
    return {name: _plain(part) for name, part in named if part is not None and part != b""}


def _plain(part: Any) -> Plain:
    match part:
        case DateTime():
            return part.isoformat()
        case Enum(value=str() as text):
            return text
        case bytes():
            return part.hex()
        case _:
            plain: Plain = part
            return plain
