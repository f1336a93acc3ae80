"""Keeps what the server wishes on the disk, has it tried, and goes back to what was good.

A gateway is built from its settings alone, so another configuration is another gateway, built anew
in the same process within a second; what it was reading is stored as far as it came. The level of
the log changes at once, with nothing built anew, and only for our own lines: what a library says at
its most talkative, nobody here has read.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from msgspec import DecodeError, ValidationError, json, structs

from yikao_devices.wire_configuration import Configuration, ConfigurationState, LogLevel
from yikao_gateway.configuration import values
from yikao_gateway.configuration.decision import (
    UNPROVED,
    Record,
    failed,
    offered,
    proved,
    read_offer,
    started,
)
from yikao_gateway.errors import StorageFull
from yikao_gateway.settings import Settings
from yikao_gateway.store.database import Database

log = logging.getLogger(__name__)

PROVE_S: Final = 300.0
"""From a start: time for several attempts to reach the broker, also over a line that is bad."""
LOOK_S: Final = 1.0
"""How often it is looked whether something is over."""
KEY: Final = "configuration"
"""Of the table `meta`."""
OURS: Final = "yikao_gateway"
"""The logger above all of this package's."""

_decode_record: Final = json.Decoder(Record).decode


class Configured:
    """The configuration of one gateway: `begin` at each start, `watch` while it runs.

    settings: its own. now: aware. monotonic: real seconds. prove_s: how long one may be on trial.
    """

    def __init__(
        self,
        database: Database,
        settings: Settings,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        prove_s: float = PROVE_S,
    ) -> None:
        self._database = database
        self._own = settings
        self._now = now
        self._monotonic = monotonic
        self._prove_s = prove_s
        self._record = _remembered(database)
        self._wish: Configuration | None = None
        self._running = settings
        self._level: LogLevel = values.USUAL
        self._since_s = monotonic()
        self._acknowledged = False
        self._anew = False
        self._news = asyncio.Event()
        self.words = 0
        """Grows with each change of what is to be told to the server."""

    def begin(self) -> Settings:
        """Return the settings to run with; the start is counted before that."""
        try:
            self._keep(started(self._record))
        except StorageFull as error:
            log.error("configuration not tried", extra={"why": str(error)})
            self._record = structs.replace(self._record, trial=None)
        self._anew = False
        self._running = values.settings_with(self._own, self._record.in_force)
        self._try()
        return self._running

    def receive(self, payload: bytes) -> None:
        """Take note of what the server wishes."""
        record = offered(self._record, read_offer(payload, self._now()))
        if record is self._record:
            return
        answer = record.answer
        try:
            self._keep(record)
        except StorageFull as error:
            # Not judged either: it is told again at the next connection.
            log.warning("configuration not taken", extra={"why": str(error)})
            return
        told = {"revision": answer.revision, "outcome": answer.outcome}
        log.warning("configuration received", extra=told | {"field": answer.field})
        if answer.outcome == "trying":
            self._apply()

    def acknowledged(self) -> None:
        """Take note that the broker has taken our word on what is in force."""
        self._acknowledged = True
        self._news.set()

    def state(self, boot: int, version: str) -> ConfigurationState:
        """Return what the server is told."""
        record, now = self._record, self._now()
        answer = record.answer
        return ConfigurationState(
            revision=answer.revision,
            outcome=answer.outcome,
            in_force=values.in_force(self._running, self._wish, now),
            boot=boot,
            t=now,
            version=version,
            code=answer.code,
            field=answer.field,
            local=values.overruled(self._own, self._wish),
        )

    async def watch(self, page_answers: Callable[[], Awaitable[bool]]) -> None:
        """See to trial and log level until the gateway is to be built anew, or for ever."""
        while not self._anew:
            self._set_level()
            if (trial := self._record.trial) is not None:
                await self._judge(trial, page_answers)
            if self._anew:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._news.wait()
            self._news.clear()

    async def _judge(
        self, trial: Configuration, page_answers: Callable[[], Awaitable[bool]]
    ) -> None:
        """Keep what is on trial if it has proved itself, give it up when its time is over."""
        if self._acknowledged and await page_answers() and self._record.trial is trial:
            with contextlib.suppress(StorageFull):
                self._keep(proved(self._record))
                log.warning("configuration applied", extra={"revision": trial.revision})
        elif self._monotonic() - self._since_s >= self._prove_s:
            log.error("configuration given up", extra={"revision": trial.revision})
            record = failed(self._record, UNPROVED)
            try:
                self._keep(record)
            except StorageFull:
                # The starts that are counted bring it back as well.
                self._record = record
            self._apply()

    def _apply(self) -> None:
        """Have the gateway built anew with what is in force now, unless it runs with that."""
        if values.settings_with(self._own, self._record.in_force) != self._running:
            self._anew = True
            self._news.set()
            return
        with contextlib.suppress(StorageFull):
            self._keep(started(self._record))
        self._try()

    def _try(self) -> None:
        """Count the time of what is in force from now; the gateway runs with it."""
        self._wish = self._record.in_force
        self._since_s = self._monotonic()
        self._acknowledged = False
        self._set_level()

    def _set_level(self) -> None:
        level = values.log_level(self._wish, self._now())
        logging.getLogger(OURS).setLevel(level.upper())
        if level != self._level:
            self._level = level
            self.words += 1
            log.warning("log level set", extra={"to": level})

    def _keep(self, record: Record) -> None:
        """Write it down, then believe it. Raises `StorageFull`."""
        if record is self._record:
            return
        with self._database.write() as cursor:
            cursor.execute(
                "INSERT INTO meta VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (KEY, json.encode(record).decode()),
            )
        self._record = record
        self.words += 1


def _remembered(database: Database) -> Record:
    rows = database.read("SELECT value FROM meta WHERE key = ?", (KEY,))
    try:
        return _decode_record(rows[0][0]) if rows else Record()
    except (DecodeError, ValidationError) as error:
        log.warning("configuration of before is unreadable", extra={"why": str(error)})
        return Record()
