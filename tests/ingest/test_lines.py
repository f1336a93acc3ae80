"""Readings made into lines many at a time: each is what it was, whatever stands beside it."""

from datetime import timedelta
from typing import Any

from clinic import CUFF, NOW
from fix_database import Clinic
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices import wire
from yikao_ingest.accept import AcceptedReading
from yikao_ingest.copy_forms import copied
from yikao_ingest.lines import AT, COLUMNS, FIELDS, reading_lines, received_after

SQL = load_sql_blocks("yikao_ingest")
NUMBERS = st.floats(-9_000, 90_000)
POSITIVE = st.floats(0, 90_000)
PATIENTS = st.integers(1, 2**31 - 1)
CLOCKS = st.builds(
    wire.Clocks,
    st.timedeltas(timedelta(0), timedelta(days=700)).map(lambda span: NOW - span),
    st.sampled_from([None, "2026-03-02T11:59:58", "2021-01-01T00:00:00", "2026-02-30T07:30:00"])
    | st.sampled_from(["NaT", "noon", "2026-03-02T11:59:58\n", "2026-03-02", ""]),
    st.none() | st.integers(-(10**8), 10**8).map(lambda us: us / 10**6),
)
SHARED: dict[str, Any] = {
    "reading_id": st.uuids(),
    "device": st.just(CUFF),
    "measured_at": st.timedeltas(timedelta(0), timedelta(days=900)).map(lambda span: NOW - span),
    "doubt_s": st.floats(0, 1e6),
    "clocks": CLOCKS,
    "record": st.none() | st.integers(0, 2**31 - 1),
    "user": st.none() | st.integers(0, 255),
    "flags": st.lists(st.sampled_from(["hi", "irregular_pulse"]), unique=True).map(tuple),
    "place": st.sampled_from(["home", "office"]),
}
MAYBE = st.none() | NUMBERS
READINGS = st.one_of(
    st.builds(
        wire.BloodPressureReading,
        **SHARED,
        **dict.fromkeys(("systolic_mmhg", "diastolic_mmhg"), NUMBERS),
        **dict.fromkeys(("mean_mmhg", "pulse_bpm", "systolic_kpa", "diastolic_kpa"), MAYBE),
        unit=st.sampled_from(["mmHg", "kPa"]),
    ),
    st.builds(
        wire.GlucoseReading,
        **SHARED | {"record": st.integers(0, 2**31 - 1)},
        unit=st.sampled_from(["mmol/L", "mg/dL"]),
        glucose_mmol_l=st.none() | POSITIVE,
        glucose_mg_dl=st.none() | POSITIVE,
        meal=st.none() | st.sampled_from(["fasting", "preprandial"]),
    ),
    st.builds(
        wire.WeightReading,
        **SHARED,
        unit=st.just("lb"),
        weight_kg=POSITIVE,
        weight_lb=st.none() | POSITIVE,
    ),
    st.builds(
        wire.TemperatureReading,
        **SHARED,
        unit=st.just("Cel"),
        temperature_c=NUMBERS,
        temperature_f=MAYBE,
    ),
    st.builds(wire.OximetryReading, **SHARED, spo2_pct=NUMBERS, pulse_bpm=MAYBE),
    st.builds(wire.HeartRateReading, **SHARED, pulse_bpm=NUMBERS),
)
BATCHES = st.lists(READINGS, min_size=1, max_size=12)


def batch_of(items: list[wire.Reading]) -> list[AcceptedReading]:
    return [AcceptedReading(number, 7, item) for number, item in enumerate(items, 1)]


@given(BATCHES)
def test_a_line_does_not_depend_on_its_neighbours(items: list[wire.Reading]) -> None:
    batch = batch_of(items)
    _, together = reading_lines(batch)
    assert together == [reading_lines([one])[1][0] for one in batch]


@given(BATCHES)
@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_copied_is_what_was_sent(clinic: Clinic, items: list[wire.Reading]) -> None:
    names = [name for name in COLUMNS if not name.endswith(("after_ms", "ahead_s", "zone_s"))]
    clinic.rows("CREATE TEMPORARY TABLE IF NOT EXISTS reading_kept (LIKE public.reading_kept)")
    clinic.rows("TRUNCATE pg_temp.reading_kept")
    batch = batch_of(items)
    numbers, lines = reading_lines(batch)
    ends = received_after(numbers[:, AT["time"]], NOW)
    with clinic.connection.cursor().copy(SQL["copy_readings"]) as copy:
        copy.write(copied(map(bytes.__add__, lines, ends), FIELDS))
    found = clinic.rows(
        "SELECT patient_id, time, device_id, kind, systolic_mmhg, diastolic_mmhg, mean_mmhg,"
        " pulse_bpm, systolic_kpa, diastolic_kpa, mean_kpa, glucose_mmol_l, glucose_mg_dl,"
        " weight_kg, weight_lb, temperature_c, temperature_f, spo2_pct, unit, meal, record,"
        " user_slot, flags, place, doubt_s, coalesce(device_time, device_words(time,"
        " device_ahead_s)), coalesce(device_offset_s, device_offset(time, device_ahead_s,"
        " device_zone_s)) FROM reading_kept ORDER BY patient_id"
    )
    for one, row in zip(batch, found, strict=True):
        shown, item = dict(zip(names, row, strict=True)), one.item
        expected = {name: getattr(item, name, None) for name in names} | {
            "patient_id": one.patient_id,
            "time": item.measured_at,
            "device_id": 7,
            "kind": wire.kind_of(item),
            "flags": list(item.flags),
            "place": None if item.place == "home" else item.place,
            "device_time": item.clocks.t_dev,
        }
        offset, sent = shown.pop("device_offset_s"), item.clocks.device_offset_s
        expected.pop("device_offset_s")
        assert shown == expected
        assert offset == sent or abs(offset - sent) < 2e-6
