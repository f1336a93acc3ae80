"""The morning's look at who is on call, and the notices that come of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fix_database import Clinic
from psycopg import AsyncConnection
from rota_parts import verified, with_centre

from yikao_alerts.care_read import load_care
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.notices import ATTEMPTS_MAX, Notices
from yikao_alerts.roster import LADDER
from yikao_alerts.rota.coverage import Spans
from yikao_alerts.rota.staffing import load_staffing
from yikao_alerts.rules import RuleSet
from yikao_alerts.working import connect
from yikao_ingest.daily_coverage import CoverageRound
from yikao_ingest.daily_round import DailyRound

BEFORE = datetime(2026, 3, 1, 22, 59, tzinfo=UTC)
"""06:59 in Shanghai; the next minute is the morning's."""
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Phone:
    """A channel that notes each message, and answers by `outcome`."""

    def __init__(
        self, outcome: Callable[[OutgoingPage], Outcome] = lambda page: Delivered("1")
    ) -> None:
        self.outcome = outcome
        self.rung: list[OutgoingPage] = []

    async def send(self, page: OutgoingPage) -> Outcome:
        self.rung.append(page)
        return self.outcome(page)


class Story:
    """The clinic's mornings and its messages, at a time that is moved by hand."""

    def __init__(self, clinic: Clinic, rules: RuleSet) -> None:
        self.clinic = clinic
        self.now = BEFORE
        self.coverage = CoverageRound("https://feed.example.org")
        self.round = DailyRound(rules, self.clock, coverage=self.coverage)

    async def clock(self, conn: AsyncConnection) -> datetime:
        assert not conn.closed
        return self.now

    def does(self, work: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        """Do something on a connection to the database."""

        async def run() -> Any:
            async with await connect(self.clinic.dsn) as conn:
                return await work(conn)

        return asyncio.run(run())

    def looks(self) -> None:
        """Let the daily round go round until nothing is left."""

        async def rounds(conn: AsyncConnection) -> None:
            while await self.round.cycle(conn):
                pass

        self.does(rounds)

    def sends(self, phone: Phone) -> None:
        """Send what is due."""
        notices = Notices({"webhook": phone, "smtp": phone}, self.clock)

        async def send(conn: AsyncConnection) -> None:
            while await notices.cycle(conn):
                pass

        self.does(send)

    def notices(self) -> list[Any]:
        return self.clinic.rows(
            "SELECT channel, sent_at IS NOT NULL, due_at IS NULL, attempts FROM notice"
            " WHERE kind = 'coverage' ORDER BY created_at, position"
        )


@pytest.fixture
def story(clinic: Clinic, rules: RuleSet) -> Story:
    with_centre(clinic)
    return Story(clinic, rules)


def test_holes_are_told_to_the_desk_once_a_morning(story: Story) -> None:
    story.coverage.done["centre"] = (BEFORE + timedelta(hours=8)).date() - DAY
    story.looks()
    assert story.notices() == []
    story.now += MINUTE
    story.looks()
    story.looks()
    assert story.notices() == [("webhook", False, False, 0)]
    phone = Phone()
    story.sends(phone)
    (rung,) = phone.rung
    assert rung.link == "https://feed.example.org/oncall"
    assert "Yikao: holes in the rota of 城北中心" in rung.body
    assert not rung.urgent
    story.now += DAY
    story.looks()
    assert len(story.notices()) == 2


def test_two_evaluators_tell_it_once(story: Story, rules: RuleSet) -> None:
    other = Story(story.clinic, rules)
    story.looks()
    other.looks()
    assert len(story.notices()) == 1


def test_where_everybody_is_reachable_nobody_is_told(story: Story) -> None:
    verified(story.clinic, BEFORE, "wang", "li")
    story.looks()
    assert story.notices() == []


def test_the_proof_asks_those_whom_the_escalation_would_call(story: Story) -> None:
    zhao = story.clinic.patient("zhao")
    leave = "INSERT INTO doctor_leave (doctor_id, begins_at, ends_at, reason, said_at, said_by)"
    span = (BEFORE + 2 * DAY, BEFORE + 5 * DAY, BEFORE)
    story.clinic.rows(leave + " VALUES ('wang', %s, %s, '', %s, 'li')", *span)

    async def compare(conn: AsyncConnection) -> int:
        care = (await load_care(conn, [zhao], BEFORE))[zhao]
        staffing = await load_staffing(conn, BEFORE)
        (panel,) = staffing.panels
        proof, compared = Spans(staffing, BEFORE, BEFORE + 14 * DAY), 0
        for role in LADDER:
            for held in proof.of(panel, role) or ():
                called = [doctor.doctor_id for doctor in care.duties[role](held.begin)]
                assert called == list(held.doctors), (role, held)
                compared += 1
        return compared

    assert story.does(compare) > 10


def test_a_notice_refused_for_good_goes_to_the_next_contact(story: Story) -> None:
    def by_mail_alone(page: OutgoingPage) -> Outcome:
        return Delivered("mail") if "@" in page.address else Permanent("gone")

    story.looks()
    story.sends(Phone(by_mail_alone))
    assert story.notices() == [("webhook", False, True, 1), ("smtp", True, True, 1)]


@pytest.mark.parametrize("outcome", [Retryable("busy"), Ambiguous("no answer")])
def test_what_is_not_accepted_is_tried_again_and_not_for_ever(
    story: Story, outcome: Outcome
) -> None:
    story.looks()
    phone = Phone(lambda page: outcome if "@" not in page.address else Delivered("mail"))
    for _ in range(ATTEMPTS_MAX + 3):
        story.sends(phone)
        story.now += ATTEMPTS_MAX * MINUTE
    assert story.notices() == [("webhook", False, True, ATTEMPTS_MAX), ("smtp", True, True, 1)]


def test_a_channel_that_is_not_set_up_is_a_refusal(story: Story) -> None:
    story.looks()
    notices = Notices({}, story.clock)

    async def send(conn: AsyncConnection) -> None:
        while await notices.cycle(conn):
            pass

    story.does(send)
    assert [row[2] for row in story.notices()] == [True, True]


def test_whoever_dies_with_a_notice_leaves_it_due_again(story: Story) -> None:
    story.looks()

    def dies(page: OutgoingPage) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        story.sends(Phone(dies))
    phone = Phone()
    story.sends(phone)
    assert phone.rung == []
    story.now += MINUTE
    story.sends(phone)
    assert len(phone.rung) == 1
