"""What people ask about a resident or a team: the same answers from both kinds of database."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from clinic import NOW, glucose, pressure
from fix_database import Clinic, Intake
from upkeep_parts import bring_up_to_date, cuff, does, meter, put

from yikao_ingest.queries.people import (
    Adherence,
    DayPart,
    Gap,
    adherence,
    asked_days,
    day_parts,
    gaps,
    latest,
    silent,
)
from yikao_ingest.queries.periods import DAYS_MAX, Period, UnknownError
from yikao_ingest.queries.sums import Sum, Values, resident_days, resident_hours, team_days

SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = date(2026, 3, 2)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
T = TypeVar("T")


def at(day: int, hour: float) -> datetime:
    """Return a moment of March 2026 on the clock of Shanghai."""
    return datetime(2026, 3, day, tzinfo=SHANGHAI) + hour * HOUR


@pytest.fixture
def march(clinic: Clinic) -> Clinic:
    """Two residents in the first days of March; the fourth has nothing."""
    zhao, qian = clinic.patient("zhao"), clinic.patient("qian")
    put(
        clinic,
        cuff(zhao, at(2, 7), 150),
        cuff(zhao, at(2, 7.1), 140),
        cuff(zhao, at(2, 20), 120, pulse=None),
        cuff(zhao, at(3, 1), 130),
        cuff(zhao, at(5, 8), 160),
        meter(zhao, at(2, 7), 6.0),
        meter(zhao, at(2, 12), None, mg_dl=180.182),
        meter(zhao, at(2, 13), None),
        cuff(qian, at(2, 9), 100),
        cuff(qian, at(5, 23.5), 110),
    )
    bring_up_to_date(clinic)
    return clinic


def pressures(found: list[Sum]) -> list[tuple[int, int, int, Values | None]]:
    return [(each.begins.day, each.residents, each.readings, each.systolic) for each in found]


def ask(clinic: Clinic, question: Callable[..., Awaitable[T]], *values: Any, **more: Any) -> T:
    return does(clinic, lambda conn: question(conn, *values, **more))


def test_each_day_of_a_resident_also_without_a_reading(march: Clinic) -> None:
    zhao = march.patient("zhao")
    found = ask(march, resident_days, zhao, date(2026, 3, 1), date(2026, 3, 5))
    assert pressures(found) == [
        (1, 0, 0, None),
        (2, 1, 3, Values(3, 410 / 3, 120, 150)),
        (3, 1, 1, Values(1, 130, 130, 130)),
        (4, 0, 0, None),
        (5, 1, 1, Values(1, 160, 160, 160)),
    ]
    assert found[1].begins == at(2, 0)
    assert found[1].begins.utcoffset() == 8 * HOUR
    assert found[1].diastolic == Values(3, 290 / 3, 80, 110)
    assert found[1].pulse == Values(2, 70, 70, 70)
    (sugar,) = ask(march, resident_days, zhao, MONDAY, MONDAY, "glucose")
    assert (sugar.readings, sugar.systolic) == (3, None)
    assert sugar.glucose is not None
    assert sugar.glucose.count == 2
    assert (sugar.glucose.mean, sugar.glucose.highest) == pytest.approx((8.0, 10.0))


def test_each_day_of_a_team(march: Clinic) -> None:
    found = ask(march, team_days, "team", MONDAY, date(2026, 3, 5))
    assert pressures(found) == [
        (2, 2, 4, Values(4, 510 / 4, 100, 150)),
        (3, 1, 1, Values(1, 130, 130, 130)),
        (4, 0, 0, None),
        (5, 2, 2, Values(2, 135, 110, 160)),
    ]


def test_days_of_another_zone_are_made_of_the_readings(march: Clinic) -> None:
    zhao = march.patient("zhao")
    shanghai = ask(march, team_days, "team", MONDAY, date(2026, 3, 5))
    # The same days by another name.
    march.rows("UPDATE team SET zone = 'Asia/Chongqing'")
    assert ask(march, team_days, "team", MONDAY, date(2026, 3, 5)) == shanghai
    march.rows("UPDATE team SET zone = 'Asia/Kolkata'")
    found = ask(march, resident_days, zhao, MONDAY, date(2026, 3, 5))
    # 01:00 in Shanghai is the evening before in Kolkata.
    assert [each.readings for each in found] == [4, 0, 0, 1]
    assert found[0].begins == datetime(2026, 3, 2, tzinfo=ZoneInfo("Asia/Kolkata"))


def test_each_hour_of_a_resident(march: Clinic) -> None:
    found = ask(march, resident_hours, march.patient("zhao"), MONDAY, MONDAY)
    assert [each.begins for each in found] == [at(2, hour) for hour in range(24)]
    measured = {each.begins.hour: each.systolic for each in found if each.readings}
    assert measured == {7: Values(2, 145, 140, 150), 20: Values(1, 120, 120, 120)}


def test_a_day_of_the_change_of_clocks_has_one_hour_more(march: Clinic) -> None:
    march.rows("UPDATE team SET zone = 'Europe/Berlin'")
    zhao, last = march.patient("zhao"), date(2026, 10, 25)
    hours = ask(march, resident_hours, zhao, last, last)
    assert len(hours) == 25
    days = ask(march, resident_days, zhao, last - DAY, last + DAY)
    assert [each.begins.hour for each in days] == [0, 0, 0]


def test_mornings_and_evenings(march: Clinic) -> None:
    found = ask(march, day_parts, march.patient("zhao"), MONDAY, date(2026, 3, 5))
    assert found == [
        DayPart(MONDAY, "morning", 2, 145, 105, 70, None),
        # What is measured at one in the night still belongs to the evening.
        DayPart(MONDAY, "evening", 2, 125, 85, 70, None),
        DayPart(date(2026, 3, 5), "morning", 1, 160, 120, 70, None),
    ]


def test_measured_days_of_asked_days(march: Clinic) -> None:
    zhao, qian = march.patient("zhao"), march.patient("qian")
    period = (MONDAY, MONDAY + 6 * DAY)
    assert ask(march, adherence, "team", *period) == [
        Adherence(qian, "qian", 2, 7),
        Adherence(zhao, "zhao", 2, 7),
    ]
    march.rows("UPDATE resident SET enrolled_on = '2026-03-04' WHERE code = 'qian'")
    found = ask(march, adherence, "team", *period, weekdays={0, 4})
    assert found == [Adherence(qian, "qian", 0, 1), Adherence(zhao, "zhao", 1, 2)]
    assert [each.share for each in found] == [0.0, 0.5]
    march.rows("UPDATE resident SET enrolled_on = '2026-04-01' WHERE code = 'qian'")
    assert ask(march, adherence, "team", *period)[0].share is None


def test_asked_days_are_counted_on_weekdays() -> None:
    assert asked_days(MONDAY, MONDAY) == 1
    assert asked_days(MONDAY, MONDAY, {1}) == 0
    assert asked_days(MONDAY, MONDAY + 13 * DAY, {0, 6}) == 4
    assert asked_days(MONDAY, MONDAY - DAY) == 0


def test_gaps_between_readings_and_at_the_ends(march: Clinic) -> None:
    zhao, bounds = march.patient("zhao"), (at(1, 0), at(6, 0))
    assert ask(march, gaps, zhao, *bounds, 20 * HOUR) == [
        Gap(at(1, 0), at(2, 7)),
        Gap(at(3, 1), at(5, 8)),
    ]
    assert ask(march, gaps, zhao, *bounds, 55 * HOUR) == []
    assert ask(march, gaps, zhao, at(6, 0), at(7, 0), HOUR) == [Gap(at(6, 0), at(7, 0))]


def test_the_newest_of_everybody_and_who_is_silent(ingest: Intake) -> None:
    clinic = ingest.clinic
    zhao, qian = clinic.patient("zhao"), clinic.patient("qian")
    assert ask(clinic, latest, "team") == []
    assert [each.last_at for each in ask(clinic, silent, "team", NOW)] == [None, None]
    ingest.receives(
        clinic.first.send(
            pressure(150, 90, at=NOW - HOUR), pressure(130, 80), glucose(5.5, at=NOW - 2 * HOUR)
        )
    )
    # Late: it is stored, and is not the newest.
    ingest.receives(clinic.first.send(pressure(180, 99, at=NOW - 40 * DAY)))
    found = ask(clinic, latest, "team")
    assert [(each.patient_id, each.kind, each.time) for each in found] == [
        (zhao, "blood_pressure", NOW),
        (zhao, "glucose", NOW - 2 * HOUR),
    ]
    assert (found[0].systolic, found[0].diastolic, found[0].pulse) == (130, 80, 70)
    assert (found[1].glucose, found[1].unit, found[1].flags) == (5.5, "mmol/L", [])
    missing = ask(clinic, silent, "team", NOW)
    assert [(each.patient_id, each.last_at) for each in missing] == [(qian, None)]
    missing = ask(clinic, silent, "team", NOW + HOUR)
    assert [(each.code, each.last_at) for each in missing] == [("qian", None), ("zhao", NOW)]


def test_who_does_not_exist_is_not_there(march: Clinic) -> None:
    march.rows("UPDATE resident SET synthetic = true WHERE code = 'qian'")
    assert [each.code for each in ask(march, silent, "team", NOW)] == ["zhao"]
    assert [each.code for each in ask(march, adherence, "team", MONDAY, MONDAY)] == ["zhao"]
    assert ask(march, team_days, "team", MONDAY, MONDAY)[0].residents == 1
    with pytest.raises(UnknownError, match="no resident"):
        ask(march, resident_days, march.patient("qian"), MONDAY, MONDAY)
    with pytest.raises(UnknownError, match="no team"):
        ask(march, team_days, "nobody's", MONDAY, MONDAY)


@pytest.mark.parametrize("last", [MONDAY - DAY, MONDAY + DAYS_MAX * DAY])
def test_a_period_without_bounds_is_refused(last: date) -> None:
    with pytest.raises(ValueError, match=f"1 to {DAYS_MAX} days"):
        Period(MONDAY, last, SHANGHAI)
