"""Everything the feed reads, one method a question; the statements are in sql/queries.sql.

What a doctor's pages of detection ask is in `care_store.py`, what a doctor writes in
`care_writes.py`. Answering an episode goes through `yikao_alerts.answer`, which also cancels the
pages.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from psycopg.rows import class_row, scalar_row

from yikao_alerts.answer import Answer, Colleague, Disposition, acknowledge, colleagues
from yikao_alerts.clock import read_clock
from yikao_alerts.course import Course
from yikao_alerts.evaluate import evaluate
from yikao_alerts.feed import rows
from yikao_alerts.feed.connections import Connection, Connections
from yikao_alerts.feed.errors import UnknownDoctorError
from yikao_alerts.feed.operations_view import UNOWNED
from yikao_alerts.from_wire import VITALS
from yikao_alerts.rules import RuleSet
from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_alerts.store import CHANGED, notify
from yikao_alerts.store import SQL as DECIDING
from yikao_alerts.store_read import load

PAGER_SQL: Final = load_sql_blocks("yikao_alerts", "sql/pager.sql")
SQL: Final = {
    **load_sql_blocks("yikao_alerts.feed"),
    **load_sql_blocks("yikao_alerts.feed", "sql/care.sql"),
    **load_sql_blocks("yikao_alerts", "sql/watchdog.sql"),
}

EPISODES_MAX: Final = 300
"""More at once than a team could answer; the feed says when it shows only the first of them."""
CLOSED_WITHIN: Final = timedelta(hours=24)
EPISODES_WITHIN: Final = timedelta(days=14)
READINGS_WITHIN: Final = timedelta(days=28)
READINGS_MAX: Final = 1000
VITALS_MAX: Final = 20
"""Of each kind that no rule looks at: a strap tells a heart rate every minute."""
DETAILS_MAX: Final = 50
"""Findings, decisions with refusals and pages shown of one episode."""
LOG_WITHIN: Final = timedelta(days=7)
LOG_MAX: Final = 50
ITEM_BYTES: Final = 4096
"""Longer entries are not looked into for their device: no item is so long."""
PAYLOAD_SHOWN_BYTES: Final = 2048
SEEN_WITHIN: Final = timedelta(minutes=15)
"""A gateway that has said nothing for so long counts as silent even without its last will."""

NOWHERE: Final = "UTC"
"""The time zone while the registry is empty."""

Row = TypeVar("Row")


class Reader:
    """One connection, one moment, one reader: what a request sees.

    `viewer` is the doctor who signed in and sees the own team; None sees all teams.
    """

    def __init__(
        self, connection: Connection, now: datetime, viewer: rows.DoctorRow | None
    ) -> None:
        self._connection = connection
        self._team = viewer.team_id if viewer else None
        self.viewer = viewer
        self.now = now

    @property
    def connection(self) -> Connection:
        """The connection, for questions of other modules that belong to the same moment."""
        return self._connection

    async def doctors(self, team: str) -> list[rows.DoctorRow]:
        """Return the doctors of a team."""
        return await self.all(rows.DoctorRow, "doctors", team=team)

    async def doctor(self, doctor_id: str) -> rows.DoctorRow | None:
        """Return one doctor."""
        return await self.one(rows.DoctorRow, "doctor", doctor_id=doctor_id)

    async def episodes(self) -> list[rows.EpisodeRow]:
        """Return the active episodes and those closed within `CLOSED_WITHIN`."""
        return await self._episodes(EPISODES_MAX, self.now - CLOSED_WITHIN)

    async def episode(self, episode_id: int) -> rows.EpisodeRow | None:
        """Return one episode, or None where there is none or another team's."""
        found = await self._episodes(1, self.now, episode_id=episode_id)
        return found[0] if found else None

    async def episodes_of(self, patient_id: int) -> list[rows.EpisodeRow]:
        """Return a resident's active episodes and those closed within `EPISODES_WITHIN`."""
        since = self.now - EPISODES_WITHIN
        return await self._episodes(DETAILS_MAX, since, patient_id=patient_id)

    async def freshness(self) -> list[rows.FreshnessRow]:
        """Return for each resident how much is known."""
        return await self.all(
            rows.FreshnessRow, "freshness", now=self.now, seen_since=self.now - SEEN_WITHIN
        )

    async def queues(self) -> rows.QueuesRow:
        """Return what waits."""
        (row,) = await self.all(rows.QueuesRow, "queues", now=self.now)
        return row

    async def findings(self, episode_id: int) -> list[rows.FindingRow]:
        """Return what an episode rests on, the newest first."""
        return await self.all(rows.FindingRow, "findings", episode_id=episode_id, limit=DETAILS_MAX)

    async def refusals(self, episode: rows.EpisodeRow) -> list[rows.RefusalRow]:
        """Return what the decisions in the episode's time refused of its family."""
        return await self.all(
            rows.RefusalRow,
            "refusals",
            patient_id=episode.patient_id,
            family=episode.family,
            since=episode.opened_at,
            until=episode.closed_at or self.now,
            limit=DETAILS_MAX,
        )

    async def hops(self, episode_id: int) -> rows.HopsRow:
        """Return when what opened an episode passed each hop."""
        (row,) = await self.all(rows.HopsRow, "hops", episode_id=episode_id)
        return row

    async def events(self, episode_id: int) -> list[rows.EventRow]:
        """Return an episode's story, in order."""
        return await self.all(rows.EventRow, "events", episode_id=episode_id)

    async def pages(self, episode_id: int | None = None) -> list[rows.PageRow]:
        """Return the last pages, of one episode or of all, the newest first."""
        return await self.all(rows.PageRow, "pages", episode_id=episode_id, limit=DETAILS_MAX)

    async def colleagues(self, episode_id: int) -> list[Colleague]:
        """Return to whom an episode may be handed over."""
        return await colleagues(self._connection, episode_id)

    async def page_of_link(self, page_id: UUID, doctor_id: str) -> rows.LinkRow | None:
        """Return the page a signed link opens, for the doctor it was made for."""
        return await self.one(rows.LinkRow, "page_of_link", page_id=page_id, doctor_id=doctor_id)

    async def told_together(self, page_id: UUID, doctor_id: str) -> list[rows.TogetherRow]:
        """Return what else the message named that a page went in; the doctor's own pages alone."""
        names = {"page_id": page_id, "doctor_id": doctor_id}
        return await self.all(rows.TogetherRow, "told_together", **names)

    async def resident(self, code: str) -> rows.ResidentRow | None:
        """Return a resident, or None where there is none or another team's."""
        return await self.one(rows.ResidentRow, "resident", code=code)

    async def readings(self, patient_id: int) -> list[rows.ReadingRow]:
        """Return the readings that rules look at within `READINGS_WITHIN`, the newest first."""
        return await self.all(
            rows.ReadingRow,
            "readings",
            patient_id=patient_id,
            since=self.now - READINGS_WITHIN,
            until=self.now + timedelta(days=1),
            limit=READINGS_MAX,
        )

    async def vitals(self, patient_id: int) -> list[rows.ReadingRow]:
        """Return the newest readings of each kind that no rule looks at, kind by kind."""
        return await self.all(
            rows.ReadingRow,
            "vitals",
            patient_id=patient_id,
            kinds=list(VITALS),
            since=self.now - READINGS_WITHIN,
            until=self.now + timedelta(days=1),
            limit=VITALS_MAX,
        )

    async def courses(self, patient_id: int, rules: RuleSet) -> tuple[Course, ...]:
        """Return the re-checks of a resident as the evaluator would see them at this moment."""
        await self._connection.execute(DECIDING["in_utc"])
        loaded = await load(self._connection, [patient_id], rules, self.now)
        given = loaded.look(patient_id).given
        return evaluate(given.history, given.resident, rules, self.now).courses

    async def zone(self) -> str:
        """Return the time zone for what is about no resident."""
        found = await self.all(rows.ZoneRow, "zone")
        return found[0].zone if found else NOWHERE

    async def quarantine_counts(self) -> list[rows.ReasonCountRow]:
        """Return how often each reason was given within `LOG_WITHIN`."""
        since = self.now - LOG_WITHIN
        return await self.all(rows.ReasonCountRow, "quarantine_counts", since=since)

    async def quarantine(self) -> list[rows.QuarantineRow]:
        """Return the newest rows of the quarantine."""
        return await self.all(
            rows.QuarantineRow,
            "quarantine",
            since=self.now - LOG_WITHIN,
            limit=LOG_MAX,
            bytes=PAYLOAD_SHOWN_BYTES,
        )

    async def unowned(self) -> list[rows.UnownedRow]:
        """Return what waits for an owner, the newest first."""
        values = {"reasons": list(UNOWNED), "limit": LOG_MAX, "bytes": ITEM_BYTES}
        return await self.all(rows.UnownedRow, "unowned", **values)

    async def gateways(self) -> list[rows.GatewayRow]:
        """Return all gateways, those that said they went first."""
        return await self.all(rows.GatewayRow, "gateways")

    async def device_events(self) -> list[rows.DeviceEventRow]:
        """Return the newest events of devices."""
        since = self.now - LOG_WITHIN
        return await self.all(rows.DeviceEventRow, "device_events", since=since, limit=LOG_MAX)

    async def _episodes(
        self,
        limit: int,
        closed_since: datetime,
        *,
        episode_id: int | None = None,
        patient_id: int | None = None,
    ) -> list[rows.EpisodeRow]:
        return await self.all(
            rows.EpisodeRow,
            "episodes",
            episode_id=episode_id,
            patient_id=patient_id,
            closed_since=closed_since,
            readings_since=self.now - EPISODES_WITHIN,
            limit=limit,
        )

    async def all(self, row: type[Row], name: str, **values: Any) -> list[Row]:
        """Return the rows of a named statement, which is told the reader's team."""
        async with self._connection.cursor(row_factory=class_row(row)) as cursor:
            await cursor.execute(SQL[name], {"team": self._team, **values})
            return await cursor.fetchall()

    async def one(self, row: type[Row], name: str, **values: Any) -> Row | None:
        """Return its first row, or None."""
        found = await self.all(row, name, **values)
        return found[0] if found else None


class Store:
    """The feed's way to the database."""

    def __init__(self, database_url: str) -> None:
        self._connections = Connections(database_url)

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    @asynccontextmanager
    async def reader(self, doctor_id: str | None) -> AsyncIterator[Reader]:
        """Lend a reader at the database's present moment, for a doctor who signed in, or for all.

        Raises `UnknownDoctorError` for somebody with a password whom the registry does not know.
        """
        async with self._connections.one() as connection, connection.transaction():
            # The parts of a page are several statements and have to tell one and the same story.
            await connection.execute(SQL["one_moment"])
            everything = Reader(connection, await read_clock(connection), None)
            if doctor_id is None:
                yield everything
                return
            viewer = await everything.doctor(doctor_id)
            if viewer is None:
                raise UnknownDoctorError(doctor_id)
            yield Reader(connection, everything.now, viewer)

    async def acknowledge(
        self, episode_id: int, doctor_id: str, disposition: Disposition | None
    ) -> Answer:
        """Let a doctor answer an episode, or take it with nothing said yet."""
        async with self._connections.one() as connection:
            now = await read_clock(connection)
            return await acknowledge(
                connection,
                now=now,
                episode_id=episode_id,
                doctor_id=doctor_id,
                disposition=disposition,
            )

    async def note_read(self, page_id: UUID) -> None:
        """Keep that a page's link was opened for the first time, by whomever."""
        async with self._connections.one() as connection, connection.transaction():
            values = {"page_id": page_id, "now": await read_clock(connection)}
            rows = await (await connection.execute(PAGER_SQL["pages_read"], values)).fetchall()
            for (episode_id,) in rows:
                await notify(connection, CHANGED, f"episode:{episode_id}")

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[tuple[Connection, datetime]]:
        """Lend a transaction and its moment; with the commit every open page is told."""
        async with self._connections.one() as connection, connection.transaction():
            yield connection, await read_clock(connection)
            await notify(connection, CHANGED)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[tuple[Connection, datetime]]:
        """Lend a connection in autocommit mode, and its moment."""
        async with self._connections.one() as connection:
            yield connection, await read_clock(connection)

    async def schema_version(self) -> str:
        """Return the name of the last migration."""
        async with self._connections.one() as connection:
            cursor = connection.cursor(row_factory=scalar_row)
            await cursor.execute(SQL["schema_version"])
            return str(await cursor.fetchone())
