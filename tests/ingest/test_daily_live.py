"""The daily lane live: the same numbers as over the whole series, whatever came when."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from clinic import pressure
from fix_database import Clinic, Intake
from psycopg import AsyncConnection

from yikao_alerts.closing import CHECKPOINT_D, States
from yikao_alerts.daily import level, trend
from yikao_alerts.daily.columns import day_of
from yikao_alerts.daily.evening import daily_values
from yikao_alerts.daily.parameters import DIASTOLIC_LEVEL, GLUCOSE, PRESSURE
from yikao_alerts.daily.season import Season
from yikao_alerts.daily.sessions import PressureColumns, PressureDays, pressure_days
from yikao_alerts.daily.trend_marks import Mark
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import Linking
from yikao_alerts.working import connect
from yikao_ingest.daily_round import DailyRound, last_closed, local_minute
from yikao_ingest.daily_rows import beginning, calendar_day, day_number
from yikao_ingest.evaluator import Evaluator
from yikao_ingest.partitions import months, partition
from yikao_ingest.replaying import Span, replay

SHANGHAI = ZoneInfo("Asia/Shanghai")
FIRST = day_number(date(2026, 1, 5))
DAYS = 100
EMPTY = 100
"""Days before the first reading: a fold may begin in any of them."""
Reading = tuple[datetime, float, float]


class Days:
    """Residents whose cuffs measured for months, and the round that closes their days."""

    def __init__(self, clinic: Clinic, rules: RuleSet) -> None:
        self.clinic = clinic
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.round = DailyRound(rules, self.clock)
        self.readings: list[Reading] = []

    async def clock(self, conn: AsyncConnection) -> datetime:
        """Tell the time."""
        assert not conn.closed
        return self.now

    def measures(self, *readings: Reading) -> None:
        """Store readings as ingest does: by its own statement, with what that marks."""
        zhao = self.clinic.patient("zhao")
        for at, systolic, diastolic in readings:
            self.clinic.rows(
                "INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg,"
                " diastolic_mmhg, pulse_bpm, unit, flags, doubt_s, hub_time, received_at)"
                " VALUES (%s, %s, 1, 'blood_pressure', %s, %s, 70, 'mmHg', '{}', 1, %s, %s)",
                *(zhao, at, systolic, diastolic, at, at),
            )
        self.readings += readings

    def arrives(self, at: datetime, systolic: float, diastolic: float) -> None:
        """Let a reading reach the server only now, through ingest."""
        intake = Intake(self.clinic, self.round.rules)
        intake.receives(self.clinic.first.send(pressure(systolic, diastolic, at=at)), now=self.now)
        intake.store.close()
        self.readings.append((at, systolic, diastolic))

    def closes(self, day: int) -> None:
        """Let the round work on the morning after `day`."""
        self.now = beginning(day + 1, SHANGHAI) + timedelta(hours=1)
        asyncio.run(self._round())

    async def _round(self) -> None:
        async with await connect(self.clinic.dsn) as connection:
            while await self.round.cycle(connection):
                pass

    def whole(self, last: int) -> PressureDays:
        """Return the days of all that was measured, as a back-test makes them."""
        minutes = [local_minute(at, SHANGHAI) for at, *_ in self.readings]
        columns = PressureColumns(
            np.zeros(len(minutes), dtype=np.int64),
            np.array(minutes, dtype=np.int64),
            np.array([systolic for _, systolic, _ in self.readings], dtype=np.float64),
            np.array([diastolic for *_, diastolic in self.readings], dtype=np.float64),
            np.full(len(minutes), 70.0),
        )
        return pressure_days(columns, 1, FIRST - EMPTY, last - FIRST + EMPTY + 1)

    def states(self) -> dict[tuple[str, int], bytes]:
        """Return the checkpoints that are stored."""
        rows = self.clinic.rows(
            "SELECT signal, through_day, state FROM trend_state WHERE signal <> 'label'"
        )
        return {(signal, day_number(day)): bytes(state) for signal, day, state in rows}

    def entries(self) -> list[tuple[Any, ...]]:
        """Return the worklist: rule, day opened, day ended."""
        return self.clinic.rows(
            "SELECT rule_id, opened_day, ended_day FROM worklist_entry ORDER BY opened_day, rule_id"
        )


@pytest.fixture
def days(plain_clinic: Clinic, rules: RuleSet) -> Iterator[Days]:
    times = [beginning(FIRST + 14 * n, SHANGHAI) for n in range(-1, 12)]
    for month in months(times):
        name, start, end = partition(month)
        plain_clinic.connection.execute(
            f"CREATE TABLE {name} PARTITION OF reading_kept"
            f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
        )
    yield Days(plain_clinic, rules)


def series(seed: int, days: int = DAYS, first: int = FIRST) -> list[list[Reading]]:
    """Return the readings of each day: mornings and evenings, with gaps, rising after a while."""
    random = Random(seed)
    found = []
    for number in range(days):
        today: list[Reading] = []
        for hour, chance in ((3, 0.9), (16, 0.7), (23.9, 0.2)):
            if random.random() < chance:
                at = beginning(first + number, SHANGHAI) + timedelta(hours=hour)
                rise = 14 if number > 75 else 0
                today += [
                    (
                        at + timedelta(minutes=2 * n),
                        float(round(random.gauss(128 + rise, 6))),
                        float(round(random.gauss(78, 4))),
                    )
                    for n in range(random.randint(1, 2))
                ]
        found.append(today)
    return found


def expected_states(
    days: PressureDays, last: int, told: Mapping[int, Mark] | None = None
) -> dict[tuple[str, int], bytes]:
    """Return the checkpoints of a fold over the whole series at once. told: marks by day."""
    marks = np.zeros((1, days.am.shape[1]), dtype=np.uint8)
    for day, mark in (told or {}).items():
        marks[0, day - days.first_day] = mark
    found: dict[tuple[str, int], bytes] = {}
    systolic, diastolic = days.systolic(), days.diastolic()
    for day in range(FIRST, last + 1):
        if day % CHECKPOINT_D == 0:
            part = slice(0, day - days.first_day + 1)
            first = days.first_day
            up = trend.DayParts(first, systolic.am[:, part], systolic.pm[:, part])
            low = trend.DayParts(first, diastolic.am[:, part], diastolic.pm[:, part])
            none = trend.DayParts(first, up.am * np.nan, up.pm * np.nan)
            states = States(
                False,
                trend.run(up, marks=marks[:, part], parameters=PRESSURE)[0],
                trend.run(none, parameters=GLUCOSE)[0],
                level.run(up)[0],
                level.run(low, parameters=DIASTOLIC_LEVEL)[0],
            )
            found |= {(signal, day): state for signal, state in states.to_bytes(0).items()}
    return found


def test_days_closed_one_by_one_or_all_at_once_are_the_whole_series(
    days: Days, rules: RuleSet
) -> None:
    readings = series(1)
    for number, today in enumerate(readings):
        days.measures(*today)
        if number > 92 or number % 14 == 0:
            days.closes(FIRST + number)
    last = FIRST + DAYS - 1
    expected = expected_states(days.whole(last), last)
    stored = days.states()
    assert {key: stored[key] for key in expected} == expected
    entries, label = days.entries(), days.clinic.rows("SELECT label FROM label ORDER BY at")
    assert any(rule == "BP-09" for rule, *_ in entries), entries
    assert label
    # From nothing, in one go: the same states, the same entries that are open at the end.
    for table in ("trend_state", "daily_progress", "worklist_entry", "resident_day", "label"):
        days.clinic.rows(f"DELETE FROM {table}")  # type: ignore[arg-type]
    days.round = DailyRound(rules, days.clock)
    days.closes(last)
    again = days.states()
    assert {key: again[key] for key in expected} == expected
    still_open = [(rule, opened) for rule, opened, ended in entries if ended is None]
    assert [(rule, opened) for rule, opened, ended in days.entries() if ended is None] == still_open


def test_a_late_reading_takes_its_resident_back_to_its_day(days: Days) -> None:
    readings = series(2)
    late = readings[40]
    for number, today in enumerate(readings):
        days.measures(*(today if number != 40 else []))
    last = FIRST + DAYS - 1
    days.closes(last)
    assert late
    for at, systolic, diastolic in late:
        days.arrives(at, systolic, diastolic)
    assert days.clinic.one("SELECT touched_at FROM daily_progress") == late[0][0]
    days.closes(last)
    expected = expected_states(days.whole(last), last)
    stored = days.states()
    assert {key: stored[key] for key in expected} == expected
    assert days.clinic.one("SELECT touched_at FROM daily_progress") is None


def test_a_move_that_the_doctor_expects_is_no_news(days: Days) -> None:
    for today in series(1):
        days.measures(*today)
    last, stopped = FIRST + DAYS - 1, FIRST + 90
    days.closes(last)
    news = days.entries()
    assert any(rule == "BP-09" for rule, *_ in news), news
    told, noon = ("pressure", "raises"), beginning(stopped, SHANGHAI) + timedelta(hours=8)
    days.clinic.rows(
        "INSERT INTO treatment_change (patient_id, signal, change, from_day, set_by, set_at)"
        " VALUES (%s, %s, %s, %s, 'wang', %s)",
        *(days.clinic.patient("zhao"), *told, calendar_day(stopped), days.now),
    )
    days.clinic.rows("UPDATE daily_progress SET touched_at = %s", noon)
    days.closes(last)
    expected = expected_states(days.whole(last), last, {stopped: Mark.DRUG_RAISES})
    stored = days.states()
    assert {key: stored[key] for key in expected} == expected
    assert expected != expected_states(days.whole(last), last)
    still = [rule for rule, _, ended in days.entries() if ended is None]
    assert "BP-09" not in still, "the rise after a drug was stopped had been expected"
    days.clinic.rows("UPDATE treatment_change SET taken_back_by = 'wang', taken_back_at = set_at")
    days.clinic.rows("UPDATE daily_progress SET touched_at = %s", noon)
    days.closes(last)
    plain = expected_states(days.whole(last), last)
    stored = days.states()
    assert {key: stored[key] for key in plain} == plain
    assert "BP-09" in [rule for rule, _, ended in days.entries() if ended is None]


def test_a_week_far_above_the_target_is_for_today_and_calls_in_the_daytime(
    days: Days, rules: RuleSet
) -> None:
    for number in range(12):
        at = beginning(FIRST + number, SHANGHAI) + timedelta(hours=4)
        days.measures((at, 156.0, 97.0), (at + timedelta(minutes=3), 154.0, 96.0))
        days.closes(FIRST + number)
    entries = days.clinic.rows("SELECT rule_id, severity, evidence FROM worklist_entry")
    assert ("BP-07", "today") in [entry[:2] for entry in entries], entries
    assert [entry[2]["what"] for entry in entries if entry[0] == "BP-07"] == ["mean"]
    assert days.clinic.rows("SELECT label FROM label ORDER BY at DESC")[0] == ("red",)
    evaluator = Evaluator(
        rules, Linking("http://feed", b"a secret for page links in tests"), days.clock
    )

    async def decide() -> None:
        async with await connect(days.clinic.dsn) as connection:
            while await evaluator.cycle(connection):
                pass

    asyncio.run(decide())
    assert days.clinic.rows("SELECT rule_id, severity, state FROM episode") == [
        ("BP-07", "today", "open")
    ]
    # At 05:00 nobody is called; from 07:00 on somebody is.
    assert days.clinic.rows("SELECT * FROM page") == []
    days.now = beginning(FIRST + 12, SHANGHAI) + timedelta(hours=3, minutes=1)
    asyncio.run(decide())
    assert days.clinic.one("SELECT count(*) FROM page") == 1
    assert [c for c in replay(days.clinic.dsn, Span()) if c.differences] == []


PANEL = 210
PANEL_DAYS = 46


def test_the_season_of_a_panel_is_frozen_day_by_day(days: Days) -> None:
    random = Random(3)
    days.clinic.rows(
        "INSERT INTO resident (code, name, team_id, doctor_id)"
        " SELECT 'p' || n, 'r', 'team', 'wang' FROM generate_series(1, %s) n",
        PANEL,
    )
    rows = []
    for row in range(PANEL):
        for day in range(PANEL_DAYS):
            at = beginning(FIRST + day, SHANGHAI) + timedelta(hours=random.choice([3, 15]))
            if random.random() < 0.8:
                rows.append((row, at, float(round(random.gauss(130 + day / 9, 8)))))
    with days.clinic.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO reading (patient_id, time, device_id, kind, systolic_mmhg,"
            " diastolic_mmhg, pulse_bpm, unit, flags, doubt_s, hub_time, received_at)"
            " SELECT patient_id, %s, 1, 'blood_pressure', %s, 80, 70, 'mmHg', '{}', 1, %s, %s"
            " FROM resident WHERE code = 'p' || %s",
            [(at, value, at, at, row + 1) for row, at, value in rows],
        )
    last = FIRST + PANEL_DAYS - 1
    for day in (FIRST + 40, last):
        days.closes(day)
    columns = PressureColumns(
        np.array([row for row, *_ in rows], dtype=np.int64),
        np.array([local_minute(at, SHANGHAI) for _, at, _ in rows], dtype=np.int64),
        np.array([value for *_, value in rows], dtype=np.float64),
        np.full(len(rows), 80.0),
        np.full(len(rows), 70.0),
    )
    whole = pressure_days(columns, PANEL, FIRST, PANEL_DAYS)
    season = Season.of(FIRST, daily_values(whole.am, whole.pm, PRESSURE))
    stored = days.clinic.rows("SELECT median, residents, g FROM season_index ORDER BY day")
    known = [None if np.isnan(each) else each for each in season.median.tolist()]
    assert [row[0] for row in stored] == known
    assert [row[1] for row in stored] == season.panel.tolist()
    assert [row[2] is not None for row in stored] == season.present.tolist()
    assert stored[-1][2] == season.index[-1]
    assert days.clinic.one("SELECT count(*) FROM decision WHERE lane = 'daily'") == 2 * PANEL


def test_a_day_closes_at_four_at_home_and_half_an_hour_later() -> None:
    day = day_number(date(2026, 3, 2))
    closing = beginning(day + 1, SHANGHAI)
    assert last_closed(closing + timedelta(minutes=34), SHANGHAI) == day - 1
    assert last_closed(closing + timedelta(minutes=35), SHANGHAI) == day
    assert calendar_day(day_of(local_minute(closing, SHANGHAI))) == date(2026, 3, 3)
