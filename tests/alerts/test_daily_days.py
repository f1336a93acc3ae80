"""From readings to days: sessions, day parts, exact sums, units, and any order of arrival."""

import csv
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from daily_parts import FIRST_DAY, columns, minute
from daily_plainly import Plain
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.daily import trend
from yikao_alerts.daily.columns import MINUTES_PER_DAY, day_of, first_touched_day
from yikao_alerts.daily.glucose_days import GlucoseColumns, Meal, glucose_days
from yikao_alerts.daily.parameters import PRESSURE
from yikao_alerts.daily.profile import pressure_moments
from yikao_alerts.daily.sessions import PressureColumns, PressureDays, pressure_days

REAL = Path(__file__).parents[1] / "data" / "home_bp_subset.csv"

Row = tuple[int, int, float, float, float]


def days_of(rows: list[Row], days: int = 3) -> PressureDays:
    return pressure_days(columns(rows), 1, FIRST_DAY, days)


def at(day: int, clock: str, systolic: float, diastolic: float = 80, pulse: float = 70) -> Row:
    return (0, minute(day, clock), systolic, diastolic, pulse)


def test_a_part_is_the_mean_of_its_sessions_and_the_sum_of_its_readings() -> None:
    days = days_of(
        [
            at(0, "07:00", 140, 90),
            at(0, "07:30", 130, 80),  # 30 minutes apart: the same session
            at(0, "08:01", 150, 70),  # 31 minutes: the next one
            at(0, "20:00", 121, 81),
        ]
    )
    assert days.am[0, 0] == (135 + 150) / 2
    assert days.am_diastolic[0, 0] == (85 + 70) / 2
    assert days.pm[0, 0] == 121 and days.pm_diastolic[0, 0] == 81
    assert days.morning.count[0, 0] == 3 and days.evening.count[0, 0] == 1
    assert days.morning.systolic[0, 0] == 420_000 and days.morning.diastolic[0, 0] == 240_000
    assert np.isnan(days.am[0, 1:]).all() and not days.morning.count[0, 1:].any()


@pytest.mark.parametrize(
    ("clock", "day", "morning"),
    [
        ("03:59", -1, False),
        ("04:00", 0, True),
        ("11:59", 0, True),
        ("12:00", 0, False),
        ("23:59", 0, False),
    ],
)
def test_where_the_day_and_its_parts_begin(clock: str, day: int, morning: bool) -> None:
    days = pressure_days(columns([at(1, clock, 130)]), 1, FIRST_DAY, 3)
    part = days.am if morning else days.pm
    assert np.flatnonzero(~np.isnan(part[0])).tolist() == [1 + day]
    assert day_of(minute(1, clock)) == FIRST_DAY + 1 + day


def test_a_session_counts_where_it_began() -> None:
    days = days_of(
        [at(1, "03:50", 150), at(1, "04:10", 130), at(2, "11:50", 120), at(2, "12:05", 140)]
    )
    assert days.pm[0, 0] == 140 and np.isnan(days.am[0, 1])
    assert days.am[0, 2] == 130 and np.isnan(days.pm[0, 2])
    late = minute(1, "04:10")
    assert first_touched_day(late) == FIRST_DAY and first_touched_day(late + 60) == FIRST_DAY + 1


def test_readings_outside_the_days_only_complete_sessions() -> None:
    days = days_of([at(0, "03:50", 150), at(0, "04:10", 130), at(3, "07:00", 120)])
    assert np.isnan(days.am).all() and np.isnan(days.pm).all()


def test_no_readings_are_no_days() -> None:
    days = pressure_days(columns([]), 2, FIRST_DAY, 3)
    assert np.isnan(days.am).all() and not days.morning.count.any()
    assert days.am.shape == (2, 3)


READINGS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.integers(minute(0, "04:00"), minute(40, "04:00")),
        st.integers(900, 2000).map(lambda x: x / 10),
        st.integers(40, 120).map(float),
        st.one_of(st.just(float("nan")), st.integers(40, 120).map(float)),
    ),
    max_size=60,
)


@given(rows=READINGS, data=st.data())
@examples(60)
def test_order_and_repeats_change_no_bit(rows: list[Row], data: st.DataObject) -> None:
    again = data.draw(st.permutations(rows + rows[: len(rows) // 2]))
    one = pressure_days(columns(sorted(rows)), 3, FIRST_DAY, 40)
    other = pressure_days(columns(again), 3, FIRST_DAY, 40)
    assert bits(one) == bits(other)
    moments = [pressure_moments(columns(each), 3, FIRST_DAY, 40).sums for each in (rows, again)]
    assert np.array_equal(*moments)


def bits(days: PressureDays) -> list[bytes]:
    arrays = [days.am, days.pm, days.am_diastolic, days.pm_diastolic]
    for part in (days.morning, days.evening):
        arrays += [part.count, part.systolic, part.diastolic]
    return [array.tobytes("C") for array in arrays]


@given(rows=READINGS, late=READINGS.filter(bool), data=st.data())
@examples(40)
def test_late_readings_give_the_state_they_would_have_given_in_time(
    rows: list[Row], late: list[Row], data: st.DataObject
) -> None:
    days = 40
    every = columns(sorted(rows + late))
    state, _ = trend.run(pressure_days(every, 3, FIRST_DAY, days).systolic())
    checkpoints = [
        trend.run(pressure_days(columns(rows), 3, FIRST_DAY, cut).systolic())[0]
        for cut in range(0, days, 10)
    ]
    touched = min(first_touched_day(row[1]) for row in late)
    newest = (
        max((each for each in checkpoints if each.day < touched), key=lambda each: each.day)
        if touched >= FIRST_DAY
        else checkpoints[0]
    )
    arrived = columns(data.draw(st.permutations(rows + late + late)))
    begin = newest.day + 1
    grid = pressure_days(arrived, 3, begin, FIRST_DAY + days - begin)
    again, _ = trend.run(grid.systolic(), state=newest)
    for row in range(3):
        assert again.to_bytes(row, PRESSURE) == state.to_bytes(row, PRESSURE)


def kilopascals(rows: list[Row], kpa: list[bool]) -> PressureDays:
    table = columns(rows)
    return pressure_days(
        PressureColumns(
            table.resident,
            table.minute,
            table.systolic,
            table.diastolic,
            table.pulse,
            np.array(kpa),
        ),
        2,
        FIRST_DAY,
        1,
    )


def test_who_has_only_kilopascals_is_summed_in_them() -> None:
    rows = [
        (0, minute(0, "07:00"), 18.0, 11.3, 70.0),
        (0, minute(0, "20:00"), 17.9, 11.3, 70.0),
        (1, minute(0, "07:00"), 18.0, 11.3, 70.0),
        (1, minute(0, "20:00"), 120.0, 80.0, 70.0),
    ]
    days = kilopascals(rows, [True, True, True, False])
    assert days.kpa.tolist() == [True, False]
    assert days.morning.systolic[:, 0].tolist() == [18_000, 135_011]
    assert days.am[:, 0] == pytest.approx(135.01, abs=0.01)
    assert days.pm[:, 0] == pytest.approx([134.26, 120.0], abs=0.01)


def test_glucose_keeps_the_unit_of_who_has_only_one() -> None:
    rows = [
        (0, minute(0, "07:00"), 126.0, Meal.FASTING, True),
        (0, minute(0, "20:00"), 180.0, Meal.NOT_FASTING, True),
        (1, minute(0, "07:00"), 7.0, Meal.FASTING, False),
        (1, minute(0, "07:20"), 7.2, Meal.FASTING, False),
        (1, minute(0, "12:00"), 9.0, Meal.OTHER, False),
        (2, minute(0, "07:00"), 126.0, Meal.FASTING, True),
        (2, minute(0, "20:00"), 10.0, Meal.NOT_FASTING, False),
    ]
    resident, minutes, glucose, meal, mg_dl = (np.array(each) for each in zip(*rows, strict=True))
    days = glucose_days(GlucoseColumns(resident, minutes, glucose, meal, mg_dl), 3, FIRST_DAY, 1)
    assert days.mg_dl.tolist() == [True, False, False]
    assert days.fasting_sums.total[:, 0].tolist() == [126_000, 14_200, 6_993]
    assert days.fasting_sums.count[:, 0].tolist() == [1, 2, 1]
    assert days.not_fasting_sums.total[:, 0].tolist() == [180_000, 0, 10_000]
    assert days.fasting[:, 0].tolist() == [6.993, 7.1, 6.993]
    one = glucose_days(
        GlucoseColumns(resident[2:4] - 1, minutes[2:4], glucose[2:4], meal[2:4]), 1, FIRST_DAY, 1
    )
    assert one.logarithm().pm.tobytes() == days.logarithm().pm[1:2].tobytes()


def test_a_glucose_of_zero_has_no_logarithm() -> None:
    table = GlucoseColumns(
        np.zeros(1, dtype=np.int64),
        np.array([minute(0, "07:00")]),
        np.zeros(1),
        np.array([int(Meal.FASTING)]),
    )
    assert np.isnan(glucose_days(table, 1, FIRST_DAY, 1).logarithm().pm).all()


def test_the_profile_is_of_the_sixty_days_before() -> None:
    random = np.random.default_rng(1)
    triples = random.normal((130, 80, 70), (10, 6, 8), (90, 3)).round()
    rows = [(0, minute(day, "07:00"), *triple) for day, triple in enumerate(triples.tolist())]
    moments = pressure_moments(columns(rows), 1, FIRST_DAY, 90)
    profile = moments.profile(0, FIRST_DAY + 80)
    assert profile is not None and profile.n == 60
    assert profile.mean == pytest.approx(triples[20:80].mean(axis=0))
    assert np.array(profile.covariance) == pytest.approx(np.cov(triples[20:80].T))
    assert moments.profile(0, FIRST_DAY + 1) is None


def real_columns() -> tuple[PressureColumns, list[str]]:
    """Return the real readings, and whose they are."""
    with REAL.open(newline="") as file:
        rows = list(csv.DictReader(file))
    people = sorted({row["person"] for row in rows})
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - local time of unknown zone, as in the file
    minutes = [
        int((datetime.fromisoformat(row["measured_at_local"]) - epoch).total_seconds()) // 60
        for row in rows
    ]
    systolic, diastolic = (
        np.array([float(row[name]) for row in rows]) for name in ("systolic_mmhg", "diastolic_mmhg")
    )
    resident = np.array([people.index(row["person"]) for row in rows])
    pulse = np.full(len(rows), np.nan)
    return PressureColumns(resident, np.array(minutes), systolic, diastolic, pulse), people


def test_real_readings_of_five_people() -> None:
    readings, people = real_columns()
    first = int(readings.minute.min()) // MINUTES_PER_DAY - 1
    days = int(readings.minute.max()) // MINUTES_PER_DAY - first + 1
    grid = pressure_days(readings, len(people), first, days)
    distinct = {
        *zip(
            readings.resident.tolist(),
            readings.minute.tolist(),
            readings.systolic.tolist(),
            readings.diastolic.tolist(),
            strict=True,
        )
    }
    assert grid.morning.count.sum() + grid.evening.count.sum() == len(distinct)
    low, high = readings.systolic.min(), readings.systolic.max()
    for part in (grid.am, grid.pm):
        there = part[~np.isnan(part)]
        assert there.size and low <= there.min() and there.max() <= high
    _, numbers = trend.run(grid.systolic())
    for resident in range(len(people)):
        plain = Plain()
        for day in range(days):
            value, z, _, alarm = plain.step(grid.am[resident, day], grid.pm[resident, day])
            assert numbers.value[resident, day] == pytest.approx(value, nan_ok=True)
            assert numbers.z[resident, day] == pytest.approx(z, abs=1e-9, nan_ok=True)
            assert numbers.alarm[resident, day] == alarm
