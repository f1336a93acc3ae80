"""For stories of paging: one home, an evaluator, a pager and providers that fail, on a database.

What is killed is killed for good: its connection is closed and its memory thrown away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

import psycopg
from clinic import MINUTE
from fix_watch import Watch
from psycopg import AsyncConnection

from yikao_alerts.channels.channel import Channel, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.pager import Pager
from yikao_alerts.working import connect

WORKS_MAX: Final = 20
"""How often evaluator and pager hand on to each other within one moment, at most."""
CONTACTS: Final = (("webhook", "http://one.test/wang"), ("smtp", "wang@two.test"))
DUTY: Final = (("webhook", "http://one.test/li"), ("smtp", "li@two.test"))


class Mood(Enum):
    """How a provider behaves."""

    FINE = auto()
    BUSY = auto()
    REFUSES = auto()
    TAKES_AND_HANGS = auto()
    LOSES_AND_HANGS = auto()


class Provider:
    """A provider that says what it did as the contract asks: `accepted` is the truth of it.

    It asks the database at each page whether anybody still waits for it.
    """

    def __init__(self, watch: Watch) -> None:
        self.mood = Mood.FINE
        self.rung: list[tuple[float, OutgoingPage]] = []
        """Every attempt, by the minute of the night."""
        self.taken: list[tuple[float, OutgoingPage]] = []
        """What it has accepted, whatever it said of it."""
        self.after_the_answer: list[UUID] = []
        self._watch = watch
        self._database = psycopg.connect(watch.clinic.dsn, autocommit=True)
        self._free = asyncio.Event()
        self.release()

    def hold(self) -> None:
        """Answer nobody until `release`."""
        self._free.clear()

    def release(self) -> None:
        """Answer."""
        self._free.set()

    async def send(self, page: OutgoingPage) -> Outcome:
        wanted = self._database.execute(
            "SELECT bool_or(e.state = 'open') FROM page p JOIN episode e USING (episode_id)"
            " WHERE p.message_id = %s",
            (page.page_id,),
        ).fetchone()
        # One about the server itself is about no episode.
        if page.episode_id and wanted != (True,):
            self.after_the_answer.append(page.page_id)
        self.rung.append((self._watch.minute, page))
        await self._free.wait()
        return self.answer(page)

    def answer(self, page: OutgoingPage) -> Outcome:
        """Return what came of a page, in the provider's mood."""
        if self.mood in (Mood.FINE, Mood.TAKES_AND_HANGS):
            self.taken.append((self._watch.minute, page))
        match self.mood:
            case Mood.FINE:
                return Delivered(f"provider-{page.page_id}")
            case Mood.BUSY:
                return Retryable("busy", 30.0)
            case Mood.REFUSES:
                return Permanent("no such recipient")
            case Mood.TAKES_AND_HANGS | Mood.LOSES_AND_HANGS:
                return Ambiguous("no answer")

    @property
    def accepted(self) -> set[UUID]:
        """The messages it has accepted."""
        return {page.page_id for _, page in self.taken}

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()


class Night:
    """What happens at one home, at the clinic, and to the machines between them."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.rows = watch.clinic.rows
        self.runner = asyncio.Runner()
        self.first, self.second = Provider(watch), Provider(watch)
        self.channels: dict[str, Channel] = {"webhook": self.first, "smtp": self.second}
        self.evaluating = self.run(connect(watch.clinic.dsn))
        self.paging, self.pager = self.run(self.new_pager())

    def run(self, work: Awaitable[Any]) -> Any:
        """Do something of a machine's to its end."""

        async def done() -> Any:
            return await work

        return self.runner.run(done())

    async def new_pager(self) -> tuple[AsyncConnection, Pager]:
        """Start another pager, on a connection of its own."""
        return await connect(self.watch.clinic.dsn), Pager(self.channels, now=self.watch.clock)

    def works(self) -> None:
        """Let everything be decided and sent that can be at this moment."""
        self.run(self._work())

    async def _work(self) -> None:
        for _ in range(WORKS_MAX):
            looked = await self.watch.evaluator.cycle(self.evaluating)
            rung = self.rung
            while await self.pager.cycle(self.paging):
                await self.pager.finish()
            await self.pager.finish()
            if not looked and self.rung == rung:
                return
        raise AssertionError("evaluator and pager never come to rest")

    def passes(self, minutes: int) -> None:
        """Let time pass, minute by minute, with everybody at work."""
        for _ in range(minutes):
            self.watch.now += MINUTE
            self.works()

    def rings(self, doctor: str) -> list[float]:
        """Return in which minutes a doctor was rung, however."""
        taken = (*self.first.taken, *self.second.taken)
        return sorted(at for at, page in taken if doctor in page.address)

    @property
    def rung(self) -> int:
        return len(self.first.rung) + len(self.second.rung)

    def evaluator_dies(self) -> None:
        """It had decided, and is killed before its commit."""

        async def dies() -> None:
            async with self.evaluating.transaction(force_rollback=True):
                await self.watch.evaluator.cycle(self.evaluating)

        self.run(dies())

    def pager_starts_anew(self) -> None:
        """It was stopped while nothing was on its way."""
        self.run(self.paging.close())
        self.paging, self.pager = self.run(self.new_pager())

    def pager_dies(self, meanwhile: Callable[[], None]) -> None:
        """It had handed its pages over, and is killed before it could write down what came of it.

        meanwhile: what happens between the handing over and the end.
        """
        self.run(self._hand_over_and_die(meanwhile))
        self.paging, self.pager = self.run(self.new_pager())

    async def _hand_over_and_die(self, meanwhile: Callable[[], None]) -> None:
        for provider in (self.first, self.second):
            provider.hold()
        await self.pager.cycle(self.paging)
        # Whatever was claimed has a task of its own, which gets its turn before ours is back.
        await asyncio.sleep(0)
        await asyncio.to_thread(meanwhile)
        await self.paging.close()
        for provider in (self.first, self.second):
            provider.release()
        await self.pager.finish()

    def answered(self, move: Callable[[AsyncConnection], Awaitable[Any]]) -> Any:
        """Let a doctor do something on a connection of their own."""
        return self.watch.with_connection(move)

    def close(self) -> None:
        """Let go of everything, and forget what happened to the home."""
        for connection in (self.evaluating, self.paging):
            self.run(connection.close())
        for provider in (self.first, self.second):
            provider.close()
        self.runner.close()
        self.rows(
            "TRUNCATE episode, finding, page, page_attempt, episode_event, decision, command,"
            " worklist_entry, reading_kept, ingest_ledger, ingest_message, symptom_report,"
            " help_call, device_event, quarantine, reading_conflict, reading_doubt, patient_latest,"
            " eval_queue, eval_timer CASCADE"
        )
