"""A night at the clinic for tests: readings arrive, time passes, the evaluator decides, doctors
answer, and the pager rings. Everything is real but the clock, which the test moves by hand.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic import NOW, glucose, pressure, symptoms
from fix_database import Clinic, Intake
from psycopg import AsyncConnection

from yikao_alerts.answer import Answer, Disposition, acknowledge, close
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import Linking
from yikao_alerts.working import connect
from yikao_devices import wire
from yikao_ingest.evaluator import Evaluator

SECRET = b"a secret for page links in tests"
FEED = "https://feed.test"


class Watch:
    """One night. Minutes are counted from its beginning, `NOW`: noon in Shanghai."""

    def __init__(self, clinic: Clinic, rules: RuleSet) -> None:
        self.clinic = clinic
        self.now = NOW
        self.intake = Intake(clinic, rules)
        self.evaluator = Evaluator(rules, Linking(FEED, SECRET), self.clock)

    async def clock(self, conn: AsyncConnection) -> datetime:
        """Tell the time to whoever works."""
        assert not conn.closed
        return self.now

    def until(self, minutes: float) -> None:
        """Let time pass up to that minute of the night."""
        assert minutes >= self.minute
        self.now = NOW + timedelta(minutes=minutes)

    @property
    def minute(self) -> float:
        return (self.now - NOW) / timedelta(minutes=1)

    def arrives(self, *items: wire.Item) -> None:
        """Let items reach the server now."""
        signer = self.clinic.first
        self.intake.receives(signer.send(*items), now=self.now)

    def measures(
        self, systolic: float, diastolic: float, *, ago_min: float = 0, **more: object
    ) -> None:
        """Let Zhao's cuff measure; it arrives now."""
        at = self.now - timedelta(minutes=ago_min)
        self.arrives(pressure(systolic, diastolic, at=at, **more))

    def pricks(self, mmol_l: float | None, **more: object) -> None:
        """Let Zhao's meter measure."""
        self.arrives(glucose(mmol_l, at=self.now, **more))

    def reports(self, *codes: str) -> None:
        """Let Zhao say how she feels."""
        self.arrives(symptoms(*codes, at=self.now))

    def decides(self) -> int:
        """Let the evaluator look at everybody who waits; return how many that were."""
        return asyncio.run(self._decides())

    async def _decides(self) -> int:
        looks = 0
        async with await connect(self.clinic.dsn) as connection:
            while looked := await self.evaluator.cycle(connection):
                looks += looked
        return looks

    def pages(self) -> list[tuple[float, str, int, int, str]]:
        """Return the pages by minute: doctor, step, repetition, state."""
        rows = self.clinic.rows(
            "SELECT created_at, doctor_id, step, loop, state FROM page"
            " ORDER BY created_at, step, loop, contact_position"
        )
        return [((at - NOW) / timedelta(minutes=1), *facts) for at, *facts in rows]

    def episodes(self) -> list[tuple[str, str, str]]:
        """Return the episodes in the order of their opening: rule, state, confirmed."""
        return self.clinic.rows("SELECT rule_id, state, confirmed FROM episode ORDER BY episode_id")

    @property
    def episode_id(self) -> int:
        """The number of the newest episode."""
        return int(self.clinic.one("SELECT max(episode_id) FROM episode"))

    def answers(self, doctor: str, disposition: Disposition = Disposition.CALLED) -> Answer:
        """Let a doctor answer the newest episode."""
        return self.with_connection(
            lambda connection: acknowledge(
                connection,
                now=self.now,
                episode_id=self.episode_id,
                doctor_id=doctor,
                disposition=disposition,
            )
        )

    def closes(self, doctor: str) -> Answer:
        """Let a doctor end the newest episode."""
        return self.with_connection(
            lambda connection: close(
                connection,
                now=self.now,
                episode_id=self.episode_id,
                doctor_id=doctor,
                disposition=Disposition.VISIT,
            )
        )

    def with_connection(self, work: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        """Do something on a connection of its own."""

        async def run() -> Any:
            async with await connect(self.clinic.dsn) as connection:
                return await work(connection)

        return asyncio.run(run())


@pytest.fixture
def watch(plain_clinic: Clinic, rules: RuleSet) -> Iterator[Watch]:
    """A night at the clinic, in a plain database."""
    watch = Watch(plain_clinic, rules)
    yield watch
    watch.intake.store.close()


@pytest.fixture
def any_watch(clinic: Clinic, rules: RuleSet) -> Iterator[Watch]:
    """A night at the clinic, in a database of each kind."""
    watch = Watch(clinic, rules)
    yield watch
    watch.intake.store.close()
