"""Strategies for the values that frames carry; for the tests of this folder."""

from typing import TypeVar

from hypothesis import strategies as st

from yikao_devices.blood_pressure import BloodPressure
from yikao_devices.date_time import CurrentTime, DateTime
from yikao_devices.glucose import Glucose
from yikao_devices.glucose_context import GlucoseContext
from yikao_devices.quirks import Quirk
from yikao_devices.sfloat import Number, decode_sfloat

T = TypeVar("T")
BYTE = st.integers(0, 0xFF)
WORD = st.integers(0, 0xFFFF)
NIBBLE = st.integers(0, 0xF)

numbers: st.SearchStrategy[Number] = WORD.map(decode_sfloat)
times = st.builds(DateTime, WORD, BYTE, BYTE, BYTE, BYTE, BYTE)
current_times = st.builds(CurrentTime, times, BYTE, BYTE, BYTE)
trailing = st.binary(max_size=4)


def maybe(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


@st.composite
def blood_pressures(draw: st.DrawFn) -> BloodPressure:
    quirk = draw(st.sampled_from([None, Quirk.BEURER_BE]))
    return BloodPressure(
        draw(st.sampled_from(["mmHg", "kPa"])),
        draw(numbers),
        draw(numbers),
        draw(numbers),
        draw(maybe(times)),
        draw(maybe(numbers)),
        draw(BYTE if quirk else maybe(BYTE)),
        draw(maybe(WORD)),
        quirk,
        draw(trailing),
    )


@st.composite
def glucoses(draw: st.DrawFn) -> Glucose:
    amount = draw(maybe(numbers))
    some = amount is not None
    return Glucose(
        draw(WORD),
        draw(times),
        draw(maybe(st.integers(-0x8000, 0x7FFF))),
        amount,
        draw(st.sampled_from(["kg/L", "mol/L"])) if some else None,
        draw(NIBBLE) if some else None,
        draw(NIBBLE) if some else None,
        draw(maybe(WORD)),
        draw(st.booleans()),
        draw(trailing),
    )


@st.composite
def contexts(draw: st.DrawFn) -> GlucoseContext:
    fields: dict[str, object] = {}
    if draw(st.booleans()):
        fields |= {"carbohydrate": draw(BYTE), "carbohydrate_kg": draw(numbers)}
    if draw(st.booleans()):
        fields |= {"tester": draw(NIBBLE), "health": draw(NIBBLE)}
    if draw(st.booleans()):
        fields |= {"exercise_s": draw(WORD), "exercise_pct": draw(BYTE)}
    if draw(st.booleans()):
        unit = draw(st.sampled_from(["medication_kg", "medication_l"]))
        fields |= {"medication": draw(BYTE), unit: draw(numbers)}
    for name, strategy in (("extended", BYTE), ("meal", BYTE), ("hba1c_pct", numbers)):
        if draw(st.booleans()):
            fields[name] = draw(strategy)
    return GlucoseContext(draw(WORD), trailing=draw(trailing), **fields)  # type: ignore[arg-type]
