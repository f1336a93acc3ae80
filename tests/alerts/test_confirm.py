"""The second and third reading: tables of readings, and what they say of the first."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_parts import RULES, bp, minutes, sugar, t

from yikao_alerts.confirm import Result, Verdict, confirm
from yikao_alerts.history import Measurement

BP_03, GL_05 = RULES.rule("BP-03"), RULES.rule("GL-05")
FIRST = bp(186, 100, t("08:00"))
Row = tuple[str, float, float]


def verdict(now: str, *rows: Row, unit: str = "mmHg") -> Verdict:
    """Return the verdict on the first of `rows` (time, systolic, diastolic) at `now`."""
    first, *later = (bp(high, low, t(at), unit=unit) for at, high, low in rows)
    return confirm(BP_03, first, later, t(now))


@pytest.mark.parametrize(
    ("now", "rows", "result", "used"),
    [
        ("08:00:05", [("08:00", 186, 100)], Result.AWAITED, 1),
        ("08:10:04", [("08:00", 186, 100)], Result.AWAITED, 1),
        # Ten minutes from its arrival at 08:00:05: nobody replied, it counts.
        ("08:10:05", [("08:00", 186, 100)], Result.NO_REPLY, 1),
        # A repeat counts after 60 seconds, not after 59.
        ("08:02", [("08:00", 186, 100), ("08:00:59", 184, 98)], Result.AWAITED, 1),
        ("08:02", [("08:00", 186, 100), ("08:01", 184, 98)], Result.CONFIRMED, 2),
        ("08:02", [("08:00", 186, 100), ("08:01", 173, 95)], Result.AWAITED, 2),
        # Five from the limit decides, closer wants a third, on either side of it.
        ("08:02", [("08:00", 180, 100), ("08:01", 170, 95)], Result.NOT_CONFIRMED, 2),
        ("08:02", [("08:00", 180, 100), ("08:01", 171, 95)], Result.AWAITED, 2),
        ("08:02", [("08:00", 187, 100), ("08:01", 182, 95)], Result.AWAITED, 2),
        ("08:02", [("08:00", 187, 100), ("08:01", 183, 95)], Result.CONFIRMED, 2),
        (
            "08:05",
            [("08:00", 182, 100), ("08:01", 177, 95), ("08:02", 181, 96)],
            Result.CONFIRMED,
            3,
        ),
        (
            "08:05",
            [("08:00", 182, 100), ("08:01", 177, 95), ("08:02", 180, 96)],
            Result.NOT_CONFIRMED,
            3,
        ),
        # No third in time: the two decide.
        ("08:11", [("08:00", 182, 100), ("08:01", 177, 95)], Result.NOT_CONFIRMED, 2),
        ("08:11", [("08:00", 182, 100), ("08:01", 178, 95)], Result.CONFIRMED, 2),
        # The lower pressure alone confirms; what one clearly meets, the other cannot undo.
        ("08:02", [("08:00", 150, 117), ("08:01", 148, 113)], Result.CONFIRMED, 2),
        ("08:02", [("08:00", 190, 111), ("08:01", 186, 109)], Result.CONFIRMED, 2),
        ("08:02", [("08:00", 150, 112), ("08:01", 148, 108)], Result.AWAITED, 2),
        ("08:11", [("08:00", 150, 112), ("08:01", 148, 108)], Result.CONFIRMED, 2),
        ("08:11", [("08:00", 150, 111), ("08:01", 148, 108)], Result.NOT_CONFIRMED, 2),
        # A difference of 10 is near enough, 11 wants a third, in either pressure.
        ("08:02", [("08:00", 190, 100), ("08:01", 180, 95)], Result.CONFIRMED, 2),
        ("08:02", [("08:00", 191, 100), ("08:01", 180, 95)], Result.AWAITED, 2),
        ("08:02", [("08:00", 186, 106), ("08:01", 184, 95)], Result.AWAITED, 2),
        # The third and the mean of all three.
        (
            "08:05",
            [("08:00", 191, 100), ("08:01", 160, 90), ("08:02", 189, 99)],
            Result.CONFIRMED,
            3,
        ),
        (
            "08:05",
            [("08:00", 191, 100), ("08:01", 160, 90), ("08:02", 188, 99)],
            Result.NOT_CONFIRMED,
            3,
        ),
        # The third, too, a gap after the second.
        (
            "08:05",
            [("08:00", 191, 100), ("08:01", 160, 90), ("08:01:59", 199, 99)],
            Result.AWAITED,
            2,
        ),
        # No third in time: the mean of the two that there are.
        ("08:11", [("08:00", 191, 100), ("08:01", 172, 90)], Result.CONFIRMED, 2),
        ("08:11", [("08:00", 191, 100), ("08:01", 160, 90)], Result.NOT_CONFIRMED, 2),
        # A fourth is not looked at, nor one after the window.
        (
            "08:09",
            [("08:00", 191, 100), ("08:01", 160, 90), ("08:02", 188, 99), ("08:04", 250, 99)],
            Result.NOT_CONFIRMED,
            3,
        ),
        ("08:20", [("08:00", 186, 100), ("08:10:05", 150, 80)], Result.NOT_CONFIRMED, 2),
        ("08:20", [("08:00", 186, 100), ("08:10:06", 150, 80)], Result.NO_REPLY, 1),
    ],
)
def test_readings_and_their_verdict(now: str, rows: list[Row], result: Result, used: int) -> None:
    found = verdict(now, *rows)
    assert (found.result, len(found.used)) == (result, used)
    assert found.until == t("08:10:05")


def test_the_statistic_is_the_mean_of_what_was_used() -> None:
    two = verdict("08:02", ("08:00", 186, 112), ("08:01", 184, 111))
    assert two.statistic == {"systolic": 185.0, "diastolic": 111.5}
    three = verdict("08:09", ("08:00", 191, 100), ("08:01", 160, 90), ("08:02", 188, 99))
    assert three.statistic == {"systolic": 179.666667, "diastolic": 96.333333}
    alone = verdict("08:11", ("08:00", 186, 112))
    assert alone.statistic == {"systolic": 186, "diastolic": 112, "pulse": 80}


def test_a_mean_in_kpa_that_is_the_limit_reaches_it() -> None:
    rows = [("08:00", 20.0, 14.9), ("08:01", 20.0, 13.5), ("08:02", 20.0, 15.7)]
    assert sum([14.9, 13.5, 15.7]) / 3 < 14.7, "what floating point makes of 44.1 / 3"
    found = verdict("08:05", *rows, unit="kPa")
    assert (found.result, found.statistic["diastolic"]) == (Result.CONFIRMED, 14.7)


def test_readings_in_kpa_differ_by_millimetres() -> None:
    near = [("08:00", 25.4, 12.0), ("08:01", 24.1, 12.0)]  # 9.8 mmHg
    far = [("08:00", 25.4, 12.0), ("08:01", 24.0, 12.0)]  # 10.5 mmHg
    assert verdict("08:05", *near, unit="kPa").result is Result.CONFIRMED
    assert verdict("08:05", *far, unit="kPa").result is Result.AWAITED


def test_readings_in_kpa_are_near_by_millimetres_too() -> None:
    decided = [("08:00", 24.7, 12.0), ("08:01", 24.7, 12.0)]  # 5.3 mmHg above 24.0 kPa
    near = [("08:00", 24.6, 12.0), ("08:01", 24.6, 12.0)]  # 4.5 mmHg
    assert verdict("08:05", *decided, unit="kPa").result is Result.CONFIRMED
    assert verdict("08:05", *near, unit="kPa").result is Result.AWAITED
    assert verdict("08:11", *near, unit="kPa").result is Result.CONFIRMED


@pytest.mark.parametrize(
    ("second", "now", "result"),
    [
        (82, "08:02", Result.CONFIRMED),
        (83, "08:02", Result.AWAITED),
        (83, "08:11", Result.CONFIRMED),
        (96, "08:02", Result.AWAITED),
        (96, "08:11", Result.NOT_CONFIRMED),
    ],
)
def test_a_low_pressure_decides_from_the_other_side(
    second: float, now: str, result: Result
) -> None:
    low = RULES.rule("BP-12")
    later = [bp(second, 55, t("08:01"))]
    assert confirm(low, bp(88, 55, t("08:00")), later, t(now)).result is result


def test_a_repeat_in_another_unit_is_none_and_the_first_counts() -> None:
    other = bp(18.0, 11.0, t("08:02"), unit="kPa")
    assert confirm(BP_03, FIRST, [other], t("08:05")).result is Result.AWAITED
    found = confirm(BP_03, FIRST, [other], t("08:11"))
    assert (found.result, found.used) == (Result.NO_REPLY, (FIRST,))
    own = bp(184, 100, t("08:03"))
    assert confirm(BP_03, FIRST, [other, own], t("08:05")).used == (FIRST, own)


def test_a_repeat_counts_by_when_it_was_measured_not_by_when_it_came() -> None:
    late = bp(150, 90, t("08:03"), received=t("08:30"))
    assert confirm(BP_03, FIRST, [], t("08:11")).result is Result.NO_REPLY
    found = confirm(BP_03, FIRST, [late], t("08:31"))
    assert (found.result, found.used) == (Result.NOT_CONFIRMED, (FIRST, late))


def test_the_window_of_a_late_reading_begins_when_it_arrives() -> None:
    first = bp(186, 100, t("08:00"), received=t("09:00"))
    assert confirm(BP_03, first, [], t("09:09:59")).result is Result.AWAITED
    assert confirm(BP_03, first, [], t("09:10")).result is Result.NO_REPLY
    asked = bp(150, 80, t("09:05"))
    assert confirm(BP_03, first, [asked], t("09:10")).result is Result.NOT_CONFIRMED


def test_what_was_measured_hours_after_a_late_reading_is_no_reply_to_it() -> None:
    first = bp(186, 100, t("08:00"), received=t("20:00"))
    at_once = bp(184, 100, t("08:02"), received=t("20:00"))
    noon = bp(120, 80, t("12:00"), received=t("20:00"))
    assert confirm(BP_03, first, [at_once, noon], t("20:00")).result is Result.CONFIRMED
    assert confirm(BP_03, first, [noon], t("20:10")).result is Result.NO_REPLY


@pytest.mark.parametrize(
    ("now", "second", "result"),
    [
        ("08:19", None, Result.AWAITED),
        ("08:21", None, Result.NO_REPLY),
        ("08:10", 16.7, Result.CONFIRMED),
        ("08:10", 16.6, Result.NOT_CONFIRMED),
        ("08:10", 9.0, Result.NOT_CONFIRMED),
    ],
)
def test_of_two_glucoses_the_second_counts(now: str, second: float | None, result: Result) -> None:
    later = [] if second is None else [sugar(second, t("08:05"))]
    found = confirm(GL_05, sugar(18.0, t("08:00")), later, t(now))
    assert found.result is result
    assert second is None or found.statistic == {"glucose": second}


def test_a_meter_that_says_hi_instead_of_a_number_does_not_refute() -> None:
    high = sugar(None, t("08:05"), flags=("hi",))
    assert confirm(GL_05, sugar(18.0, t("08:00")), [high], t("08:21")).result is Result.NO_REPLY


later_readings = st.lists(
    st.tuples(st.integers(1, 1500), st.integers(100, 199), st.integers(50, 119)), max_size=5
)


@given(later_readings, st.integers(0, 1500))
def test_waiting_ends_and_nothing_is_used_that_does_not_count(
    rows: list[tuple[int, int, int]], now_s: int
) -> None:
    def at(second: int) -> datetime:
        return FIRST.at + timedelta(seconds=second)

    later: list[Measurement] = [bp(high, low, at(s)) for s, high, low in sorted(rows)]
    found = confirm(BP_03, FIRST, later, at(now_s))
    assert (found.result is Result.AWAITED) <= (at(now_s) < found.until)
    assert found.used[0] is FIRST
    assert len(found.used) <= 3
    times = [m.at for m in found.used]
    assert all(after - before >= minutes(1) for before, after in pairwise(times))
    assert times[-1] <= found.until
    if found.result is Result.NO_REPLY:
        assert len(found.used) == 1
