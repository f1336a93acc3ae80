"""What is wrong with what a gateway printed about a visit.

Judged as a black box: nothing but the items on its standard output, as they travel (docs/wire).
Every reading must be one that was taken, exactly once; what a gateway says beyond that (its own
troubles, a low battery) is its own affair.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    GlucoseReading,
    HeartRateReading,
    Item,
    Reading,
    RefusedFrame,
    WeightReading,
)
from yikao_sim.zoo.expectations import Event, Expectation, Refused, Stored
from yikao_sim.zoo.notation import show, show_taken, show_time
from yikao_sim.zoo.taken import Beats, Kept, Pressure, Sugar, Taken, Weighing
from yikao_sim.zoo.words import Words

MMHG = 0.6
"""How far a pressure may be off: a tenth of a kPa is 0.75 mmHg."""
MMOL_L = 0.06
"""How far a glucose may be off: 1 mg/dL is 0.0555 mmol/L."""
KG = 0.01
"""How far a weight may be off: a scale counts in steps of 5 g."""
BPM = 2.0
"""How far the middle of a minute of a strap may be off: a heart sways."""
USER_UNKNOWN = 255

DATA_EVENTS = frozenset({"measurement_failed", "control_solution", "ketone_record", "no_result"})
"""Events that stand for a record; one too many is an invention."""


def judge(
    expects: Sequence[Expectation],
    items: Sequence[Item],
    before: Iterable[Item],
    when: Mapping[Taken, datetime],
) -> list[Words]:
    """Return what is wrong with `items`, printed in one visit; empty when nothing is.

    before: what earlier visits printed, none of which may come again. when: the true time of
    everything that was taken.
    """
    readings = [item for item in items if isinstance(item, Reading)]
    faults: list[Words] = []
    for each in expects:
        if isinstance(each, Stored):
            faults += _take_out(each, readings, when)
    for item in readings:
        faults.append(Words(f"没有人测过：{show(item)}", f"nobody took: {show(item)}"))
    faults += _events(expects, items)
    faults += _refusals(expects, items)
    faults += _repeated(items, before)
    return faults


def _take_out(
    expected: Stored, readings: list[Reading], when: Mapping[Taken, datetime]
) -> Iterator[Words]:
    """Remove the expected from `readings`; return what is missing or differs."""
    for taken in expected.taken:
        at = when[taken]
        found = next((each for each in readings if _is(taken, each, at, expected)), None)
        if found is None:
            what = f"{show_taken(taken)} {show_time(at)}"
            yield Words(f"缺少：{what}", f"missing: {what}")
            continue
        readings.remove(found)
        if isinstance(taken, Beats):
            # What was worn over the turn of a minute is told for both.
            readings[:] = [each for each in readings if not _is(taken, each, at, expected)]
        if lacking := ", ".join(flag for flag in expected.flags if flag not in found.flags):
            yield Words(
                f"没有标记 {lacking}：{show(found)}", f"without the flag {lacking}: {show(found)}"
            )
        # Some cuffs send 0 for a mean pressure that they do not compute: that is none.
        if isinstance(found, BloodPressureReading) and found.mean_mmhg == 0:
            yield Words(f"平均压为 0：{show(found)}", f"a mean pressure of 0: {show(found)}")


def _is(taken: Kept, reading: Reading, at: datetime, expected: Stored) -> bool:
    off_s = abs((reading.measured_at - at).total_seconds())
    if expected.within_s is not None and off_s > expected.within_s:
        return False
    match taken, reading:
        case Pressure(), BloodPressureReading():
            return _is_pressure(taken, reading)
        case Sugar(), GlucoseReading():
            return _is_sugar(taken, reading) and reading.meal == taken.meal
        case Weighing(), WeightReading():
            return abs(reading.weight_kg - taken.kg) <= KG
        case Beats(), HeartRateReading():
            return abs(reading.pulse_bpm - taken.bpm) <= BPM
        case _:
            return False


def _is_pressure(taken: Pressure, reading: BloodPressureReading) -> bool:
    user = None if taken.user == USER_UNKNOWN else taken.user
    return (
        abs(reading.systolic_mmhg - taken.systolic_mmhg) <= MMHG
        and abs(reading.diastolic_mmhg - taken.diastolic_mmhg) <= MMHG
        and reading.pulse_bpm == taken.pulse_bpm
        and reading.user == user
    )


def _is_sugar(taken: Sugar, reading: GlucoseReading) -> bool:
    if taken.limit is not None:
        return reading.glucose_mmol_l is None and taken.limit in reading.flags
    if reading.glucose_mmol_l is None or taken.mmol_l is None:
        return False
    right = abs(reading.glucose_mmol_l - taken.mmol_l) <= MMOL_L
    return right and not {"hi", "lo"} & set(reading.flags)


def _events(expects: Sequence[Expectation], items: Sequence[Item]) -> Iterator[Words]:
    wanted = [each.code for each in expects if isinstance(each, Event)]
    came = [item.code for item in items if isinstance(item, DeviceEvent)]
    for code in sorted({*wanted, *DATA_EVENTS.intersection(came)}):
        yield from _counted(f"event {code}", came.count(code), wanted.count(code))


def _refusals(expects: Sequence[Expectation], items: Sequence[Item]) -> Iterator[Words]:
    wanted = sum(isinstance(each, Refused) for each in expects)
    came = sum(isinstance(item, RefusedFrame) for item in items)
    yield from _counted("refused", came, wanted)


def _counted(what: str, came: int, wanted: int) -> Iterator[Words]:
    if came != wanted:
        yield Words(
            f"{what}：{came} 次，应为 {wanted} 次", f"{what}: {came} times instead of {wanted}"
        )


def _repeated(items: Sequence[Item], before: Iterable[Item]) -> Iterator[Words]:
    known = {item.reading_id for item in before}
    for item in items:
        if item.reading_id in known:
            yield Words(f"重复：{show(item)}", f"printed twice: {show(item)}")
        known.add(item.reading_id)
