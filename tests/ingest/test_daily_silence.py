"""Nothing measured: reminded at home, on the worklist with why and whose turn, over when it is."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from clinic import CUFF, event, pressure
from fix_database import Clinic, Intake
from psycopg import AsyncConnection
from test_daily_live import SHANGHAI

from yikao_alerts.rules import RuleSet
from yikao_alerts.silence import reminder
from yikao_alerts.working import connect
from yikao_ingest.daily_round import DailyRound
from yikao_ingest.daily_rows import beginning, day_number
from yikao_ingest.partitions import months, partition

FIRST = day_number(date(2026, 1, 5))
"""A Monday."""
LAST = FIRST + 27
"""Four weeks later: a habit."""


class Mornings:
    """The clinic's mornings: the round at eight, and what follows for Zhao."""

    def __init__(self, clinic: Clinic, rules: RuleSet) -> None:
        self.clinic, self.rules = clinic, rules
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.round = DailyRound(rules, self.clock)

    async def clock(self, conn: AsyncConnection) -> datetime:
        """Tell the time."""
        assert not conn.closed
        return self.now

    def measures(self, *days: int, hour: float = 5) -> None:
        """Let Zhao's cuff measure at nine in the morning of each day, or `hour` after four."""
        intake = Intake(self.clinic, self.rules)
        for day in days:
            at = beginning(day, SHANGHAI) + timedelta(hours=hour)
            sent = self.clinic.first.send(pressure(128, 82, at=at.astimezone(UTC)))
            intake.receives(sent, now=at.astimezone(UTC))
        intake.store.close()

    def speaks(self, *gateways: str) -> None:
        """Let the server hear of gateways now."""
        for gateway in gateways:
            self.clinic.rows(
                "UPDATE gateway SET online = true, seen_at = %s WHERE gateway_id = %s",
                *(self.now, gateway),
            )

    def hears(self, code: str, day: int) -> None:
        """Let Zhao's cuff say something that is no reading."""
        at = (beginning(day, SHANGHAI) + timedelta(hours=6)).astimezone(UTC)
        intake = Intake(self.clinic, self.rules)
        intake.receives(self.clinic.first.send(event(code, at=at)), now=at)
        intake.store.close()

    def morning(self, day: int, hour: float = 8.1, gateways: Sequence[str] = ("gw-1",)) -> None:
        """Let the round work on a morning; these gateways have just spoken."""
        self.now = beginning(day, SHANGHAI) + timedelta(hours=hour - 4)
        self.speaks(*gateways)
        self.works()

    def works(self) -> None:
        """Let the round do what is due."""

        async def cycles() -> None:
            async with await connect(self.clinic.dsn) as connection:
                while await self.round.cycle(connection):
                    pass

        asyncio.run(cycles())

    def restarts(self) -> None:
        """Forget all that a process knows by heart."""
        self.round = DailyRound(self.rules, self.clock)

    def said(self) -> list[Any]:
        """Return when something was to be said at Zhao's home."""
        rows = self.clinic.rows(
            "SELECT created_at FROM command WHERE patient_id = %s ORDER BY 1",
            self.clinic.patient("zhao"),
        )
        return [at for (at,) in rows]

    def entries(self, code: str = "zhao") -> list[Any]:
        """Return a resident's entries: evidence, the day that ended it, and why it is closed."""
        return self.clinic.rows(
            "SELECT evidence, ended_day, closed_why FROM worklist_entry"
            " WHERE patient_id = %s AND rule_id = 'DQ-06' ORDER BY entry_id",
            self.clinic.patient(code),
        )

    def label(self) -> Any:
        """Return Zhao's newest label with its reasons."""
        return self.clinic.rows(
            "SELECT label, reasons FROM label WHERE patient_id = %s ORDER BY at DESC LIMIT 1",
            self.clinic.patient("zhao"),
        )[0]


@pytest.fixture
def mornings(plain_clinic: Clinic, rules: RuleSet) -> Iterator[Mornings]:
    for month in months(beginning(FIRST + 28 * n, SHANGHAI) for n in range(-1, 4)):
        name, start, end = partition(month)
        plain_clinic.connection.execute(
            f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF reading_kept"
            f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
        )
    yield Mornings(plain_clinic, rules)


@pytest.fixture
def silent(mornings: Mornings) -> Mornings:
    """Zhao measured every morning for four weeks, and then no more."""
    mornings.measures(*range(FIRST, LAST + 1))
    return mornings


def test_who_measured_daily_is_reminded_after_three_days_and_the_team_told_after_seven(
    silent: Mornings,
) -> None:
    for day in range(LAST + 1, LAST + 4):
        silent.morning(day)
    assert (silent.said(), silent.entries()) == ([], [])
    assert silent.label()[0] == "green"
    silent.morning(LAST + 4, 7.9)
    assert silent.said() == [], "nobody is reminded before eight"
    silent.morning(LAST + 4)
    ((device, do, zh, en, until),) = silent.clinic.rows(
        "SELECT device, do_what, text_zh, text_en, expires_at FROM command"
    )
    assert (device, do, zh, en) == (CUFF, "show", reminder("zh"), reminder("en"))
    assert until == beginning(LAST + 4, SHANGHAI) + timedelta(hours=16)
    assert silent.label() == ("blue", [{"code": "silent", "days": 3}])
    for day in range(LAST + 5, LAST + 8):
        silent.morning(day)
    assert (len(silent.said()), silent.entries()) == (1, [])
    silent.morning(LAST + 8)
    ((evidence, ended, _),) = silent.entries()
    assert evidence == {
        "what": "silence",
        "days": 7,
        "missed": 7.0,
        "last_day": "2026-02-01",
        "cause": "device",
        "owner": "nurse",
    }
    assert ended is None
    assert len(silent.said()) == 2
    silent.morning(LAST + 9)
    assert silent.label() == ("yellow", [{"code": "silent", "days": 7}])


def test_however_long_ago_it_is_not_as_if_nothing_had_ever_been_measured(silent: Mornings) -> None:
    silent.morning(LAST + 120)
    label, reasons = silent.label()
    assert (label, reasons[0]) == ("yellow", {"code": "silent", "days": 119})
    assert silent.entries()[0][0]["last_day"] == "2026-02-01"


def test_the_same_morning_twice_says_nothing_twice(silent: Mornings) -> None:
    silent.morning(LAST + 9)
    for hour in (8.2, 11.0, 19.0):
        silent.restarts()
        silent.morning(LAST + 9, hour)
    assert (len(silent.said()), len(silent.entries())) == (1, 1)
    silent.morning(LAST + 10)
    assert (len(silent.said()), len(silent.entries())) == (1, 1)
    assert silent.entries()[0][0]["days"] == 9, "the entry says how long it is by now"


def test_any_reading_ends_it_at_once(silent: Mornings) -> None:
    silent.morning(LAST + 9)
    silent.measures(LAST + 9, hour=7)
    silent.now = beginning(LAST + 9, SHANGHAI) + timedelta(hours=7, minutes=1)
    silent.works()
    assert [entry[1:] for entry in silent.entries()] == [(date(2026, 2, 10), "ended")]
    # Another silence is another entry.
    silent.morning(LAST + 18)
    assert len(silent.entries()) == 2
    assert silent.entries()[1][0]["last_day"] == "2026-02-10"


def test_what_a_person_has_closed_stays_closed_until_something_is_measured(
    silent: Mornings,
) -> None:
    silent.morning(LAST + 9)
    silent.clinic.rows(
        "UPDATE worklist_entry SET closed_at = %s, closed_why = 'done', done_by = 'wang'",
        silent.now,
    )
    silent.morning(LAST + 10)
    assert [entry[1:] for entry in silent.entries()] == [(None, "done")]
    silent.measures(LAST + 10, hour=7)
    silent.morning(LAST + 11)
    assert [entry[1:] for entry in silent.entries()] == [(date(2026, 2, 11), "done")]


def test_who_measures_on_mondays_is_not_silent_after_a_week(mornings: Mornings) -> None:
    mornings.measures(*range(FIRST, FIRST + 36, 7))
    for day in range(FIRST + 36, FIRST + 46):
        mornings.morning(day)
    assert (mornings.said(), mornings.entries()) == ([], [])


def test_who_never_measured_is_waited_for_since_the_round_knew_of_them(mornings: Mornings) -> None:
    for day in range(FIRST, FIRST + 7):
        mornings.morning(day)
    assert mornings.entries("qian") == []
    mornings.morning(FIRST + 7)
    ((evidence, *_),) = mornings.entries("qian")
    assert (evidence["days"], "last_day" in evidence) == (7, False)
    assert len(mornings.entries()) == 1
    assert len(mornings.said()) == 2


@pytest.mark.parametrize(
    ("others", "speaking", "cause", "owners"),
    [
        (3, True, "gateway", ["family", "nurse"]),
        (0, False, "gateway", ["family", "nurse"]),  # two of two: too few to tell
        (1, False, "cloud", ["operator", "operator"]),
    ],
)
def test_behind_a_gateway_that_is_away_nobody_is_reminded(
    silent: Mornings, others: int, speaking: bool, cause: str, owners: list[str]
) -> None:
    # The home's own fell silent two and a half days before the team hears of it.
    silent.now = beginning(LAST + 5, SHANGHAI) + timedelta(hours=16)
    added = [f"more-{n}" for n in range(others)]
    for gateway in ("never-1", "never-2", *added):
        silent.clinic.rows(
            "INSERT INTO gateway (gateway_id, tenant, public_key) VALUES (%s, 'north', 'k')",
            gateway,
        )
    silent.speaks("gw-1", "gw-2", *added)
    found = []
    for day in (LAST + 8, LAST + 9):
        silent.morning(day, gateways=added if speaking else ())
        found.append(silent.entries()[0][0])
    assert [each["cause"] for each in found] == [cause, cause]
    assert [each["owner"] for each in found] == owners
    assert silent.said() == []


@pytest.mark.parametrize(
    ("code", "day", "cause", "owner"),
    [
        ("battery_low", LAST + 6, "device", "family"),
        ("measurement_failed", LAST + 6, "resident", "nurse"),  # it works, nobody has measured
        ("battery_low", LAST - 27, "device", "nurse"),  # not heard for a week
    ],
)
def test_what_the_device_said_last_tells_the_reason(
    silent: Mornings, code: str, day: int, cause: str, owner: str
) -> None:
    silent.clinic.rows(
        "DELETE FROM device_binding WHERE device_id <>"
        " (SELECT device_id FROM device WHERE address = %s)",
        CUFF,
    )
    silent.hears(code, day)
    silent.morning(LAST + 8)
    ((evidence, *_),) = silent.entries()
    assert (evidence["cause"], evidence["owner"]) == (cause, owner)
    assert len(silent.said()) == 1, "the gateway speaks: somebody is told at home"


def test_in_the_evening_the_team_is_told_and_the_home_left_alone(silent: Mornings) -> None:
    silent.morning(LAST + 8, 21)
    assert (len(silent.entries()), silent.said()) == (1, [])
    silent.morning(LAST + 9)
    assert len(silent.said()) == 1


def test_one_residents_data_hide_nobody_elses_silence(
    silent: Mornings, caplog: pytest.LogCaptureFixture
) -> None:
    silent.clinic.rows("UPDATE resident SET enrolled_on = '0044-03-15 BC' WHERE code = 'qian'")
    with caplog.at_level(logging.ERROR):
        silent.morning(LAST + 9)
    assert [record.message for record in caplog.records] == ["silence of a resident not known"]
    assert len(silent.entries()) == 1
