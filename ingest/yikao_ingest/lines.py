"""Readings as lines of COPY: thousands a second, so they are made many at a time.

Lines in which the same is missing and the same texts stand differ in their numbers alone: such are
copied from one, and the numbers of a column are put into all of them at once. What follows from
what was sent is worked out by the column too: how long readings were on their way, and by how much
the device's clock was ahead.
"""

import re
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, get_args

import numpy as np
from numpy.typing import NDArray

from yikao_devices import wire
from yikao_ingest.accept import AcceptedReading
from yikao_ingest.copy_forms import EPOCH, MICROSECOND, NULL, words

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]

COLUMNS: Final = {
    "patient_id": ">i4",
    "time": ">i8",
    "device_id": ">i4",
    "kind": "text",
    "systolic_mmhg": ">f8",
    "diastolic_mmhg": ">f8",
    "mean_mmhg": ">f8",
    "pulse_bpm": ">f8",
    "systolic_kpa": ">f8",
    "diastolic_kpa": ">f8",
    "mean_kpa": ">f8",
    "glucose_mmol_l": ">f8",
    "glucose_mg_dl": ">f8",
    "weight_kg": ">f8",
    "weight_lb": ">f8",
    "temperature_c": ">f8",
    "temperature_f": ">f8",
    "spo2_pct": ">f8",
    "unit": "text",
    "meal": "text",
    "record": ">i4",
    "user": ">i2",
    "flags": "text[]",
    "place": "text",
    "doubt_s": ">f8",
    "device_time": "text",
    "device_offset_s": ">f8",
    "hub_after_ms": ">i8",
    "device_ahead_s": ">i4",
    "device_zone_s": ">i4",
}
"""Those of `copy_readings`, in its order and but for the last, and how each is written."""
FIELDS: Final = len(COLUMNS) + 1
NUMBERS: Final = tuple(name for name, written in COLUMNS.items() if written.startswith(">"))
AT: Final = {name: place for place, name in enumerate(NUMBERS)}
AT_HOME: Final = "home"
"""The place of nearly every reading, which is not kept."""

AHEAD_MAX_S: Final = 2**31 - 1
S: Final = 1e6
"""Microseconds."""
MS: Final = 1e3
"""Microseconds."""
_LAST: Final = np.dtype([("size", ">i4"), ("ms", ">i8")])
_CLOCK: Final = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|NaT)"
_SHOWN: Final = re.compile(rf"{_CLOCK}(\n{_CLOCK})*", re.ASCII)
"""One clock in each line."""


@dataclass(frozen=True, slots=True)
class Form:
    """How readings of one kind are read: their numbers and where these go, and their texts."""

    kind: str
    numbers: Callable[[wire.Reading], tuple[float | None, ...]]
    places: Sequence[int]
    names: tuple[str, ...]
    texts: Callable[[wire.Reading], tuple[Any, ...]]


def _kind(cls: type[Any]) -> str:
    return str(cls.__struct_config__.tag)


_KINDS: Final = {
    kind: number for number, kind in enumerate(sorted(map(_kind, get_args(wire.Reading))))
}


def _form(cls: type[Any]) -> Form:
    fields = [name for name in cls.__struct_fields__ if name in COLUMNS]
    numbers = [name for name in fields if name in AT]
    texts = tuple(name for name in fields if name not in AT)
    places = [AT[name] for name in numbers]
    kind = _kind(cls)
    return Form(kind, attrgetter(*numbers), places, texts, attrgetter(*texts))


_FORMS: Final = {cls: _form(cls) for cls in get_args(wire.Reading)}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line whose numbers are still nought, and where which of them goes."""

    line: bytes
    numbers: np.dtype[Any]

    def filled(self, numbers: Numbers) -> list[bytes]:
        """Return a line for each row of `numbers`."""
        size, lines = len(self.line), bytearray(self.line * len(numbers))
        table = np.frombuffer(lines, self.numbers)
        for name in self.numbers.names or ():
            table[name] = numbers[:, AT[name]]
        return [bytes(lines[at : at + size]) for at in range(0, len(lines), size)]


def reading_lines(readings: Sequence[AcceptedReading]) -> tuple[Numbers, list[bytes]]:
    """Return readings as lines of COPY, and the numbers in them.

    A line has neither the count of its fields nor, as it is not known yet, when it came
    (`received_after`). Of the numbers each reading has a row and each of `NUMBERS` a column, NaN
    where it is missing.

    readings: at least one.
    """
    items = [one.item for one in readings]
    numbers = np.full((len(items), len(NUMBERS)), np.nan)
    numbers[:, AT["patient_id"]] = [one.patient_id for one in readings]
    numbers[:, AT["device_id"]] = [one.device_id for one in readings]
    own_words = _fill_in_times(numbers, items)
    for form, rows in _by_form(items):
        read = zip(*(form.numbers(items[row]) for row in rows.tolist()), strict=True)
        for place, column in zip(form.places, read, strict=True):
            if column.count(None) < len(column):
                numbers[rows, place] = column
    lines = [b""] * len(items)
    for pattern, alike in _by_pattern(items, numbers, own_words):
        for row, line in zip(alike, pattern.filled(numbers[alike]), strict=True):
            lines[row] = line
    return numbers, lines


def received_after(times: NDArray[np.float64], now: datetime) -> list[bytes]:
    """Return the last field of each line: readings of these times, in the numbers, came `now`."""
    fields = np.empty(len(times), _LAST)
    fields["size"] = 8
    fields["ms"] = ((now - EPOCH) // MICROSECOND - times) // MS
    made, size = fields.tobytes(), _LAST.itemsize
    return [made[at : at + size] for at in range(0, len(made), size)]


def kind_number(kind: str) -> int:
    """Return a number for a kind: in the order of their names, which is that of the index."""
    return _KINDS[kind]


def _fill_in_times(numbers: Numbers, items: Sequence[wire.Reading]) -> list[str | None]:
    """Fill in what follows from the times; return the devices' own words for them that do not.

    From `device_ahead_s` and `device_zone_s` the schema's `device_words` and `device_offset` make
    again what the gateway sent. Where they would not, it is kept as it came.
    """
    clocks = [item.clocks for item in items]
    at = _us([item.measured_at.timestamp() for item in items])
    hub = _us([each.t_hub.timestamp() for each in clocks])
    shown = _shown([each.t_dev for each in clocks])
    offset = np.array([each.device_offset_s for each in clocks], np.float64)
    # What shows whole seconds is known from its time to the nearest.
    ahead = -((S / 2 - (shown - at)) // S)
    ahead[np.abs(ahead) > AHEAD_MAX_S] = np.nan
    zone_us = shown - at - np.rint(offset * S)
    zone = np.rint(zone_us / S)
    agrees = (np.abs(zone_us - zone * S) <= 1) & (np.abs(zone) <= AHEAD_MAX_S)
    agrees &= ~np.isnan(ahead) & (np.abs(offset) <= AHEAD_MAX_S)
    for name, column in {
        "time": at - EPOCH.timestamp() * S,
        "device_offset_s": np.where(agrees, np.nan, offset),
        "hub_after_ms": (hub - at) // MS,
        "device_ahead_s": ahead,
        "device_zone_s": np.where(agrees, zone, np.nan),
    }.items():
        numbers[:, AT[name]] = column
    return [
        each.t_dev if kept else None
        for each, kept in zip(clocks, np.isnan(ahead).tolist(), strict=True)
    ]


def _us(seconds: Sequence[float]) -> Numbers:
    """Return whole microseconds: exact until 2106, and in no year of the calendar off by 32."""
    return np.rint(np.array(seconds) * S)


def _shown(shown: Sequence[str | None]) -> Numbers:
    """Return the times that devices showed, taken as UTC, in us; NaN where other words say it,
    too."""
    said = [each or "NaT" for each in shown]
    if _SHOWN.fullmatch("\n".join(said)):
        with suppress(ValueError):  # the 30th of February
            times = np.array(said, "datetime64[s]")
            return np.where(np.isnat(times), np.nan, times.astype(np.float64) * S)
    if len(shown) == 1:
        return np.array([np.nan])
    return np.concatenate([_shown([each]) for each in shown])


def _by_form(items: Sequence[wire.Reading]) -> Iterable[tuple[Form, Rows]]:
    rows: dict[type[wire.Reading], list[int]] = defaultdict(list)
    for row, item in enumerate(items):
        rows[type(item)].append(row)
    return [(_FORMS[cls], np.array(of_it)) for cls, of_it in rows.items()]


def _by_pattern(
    items: Sequence[wire.Reading], numbers: Numbers, own_words: Sequence[str | None]
) -> Iterable[tuple[Pattern, list[int]]]:
    """Return which rows are alike but for their numbers."""
    missing = np.packbits(np.isnan(numbers), axis=1)
    width, bits = missing.shape[1], missing.tobytes()
    rows: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row, (item, own) in enumerate(zip(items, own_words, strict=True)):
        cls = type(item)
        rows[cls, bits[row * width : (row + 1) * width], own, *_FORMS[cls].texts(item)].append(row)
    return [(_pattern(*alike), of_it) for alike, of_it in rows.items()]


@lru_cache(maxsize=512)
def _pattern(
    cls: type[wire.Reading], missing: bytes, device_time: str | None, *texts: Any
) -> Pattern:
    """Return the line of readings of one kind in which these numbers are missing and these texts
    stand."""
    form = _FORMS[cls]
    absent = np.unpackbits(np.frombuffer(missing, np.uint8))
    said = dict(zip(form.names, texts, strict=True))
    said |= {"kind": form.kind, "device_time": device_time}
    if said["place"] == AT_HOME:
        said["place"] = None
    line, offsets = b"", {}
    for name, written in COLUMNS.items():
        if name not in AT:
            line += words(said.get(name))
        elif absent[AT[name]]:
            line += NULL
        else:
            size = np.dtype(written).itemsize
            offsets[name] = len(line) + len(NULL)
            line += struct.pack(">i", size) + bytes(size)
    layout = {
        "names": list(offsets),
        "formats": [COLUMNS[name] for name in offsets],
        "offsets": list(offsets.values()),
        "itemsize": len(line),
    }
    return Pattern(line, np.dtype(layout))  # type: ignore[call-overload]  # a layout is a dtype
