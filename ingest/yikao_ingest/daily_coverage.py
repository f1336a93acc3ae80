"""Once a day: is somebody reachable at every minute of the coming fortnight? If not, the duty desk
is told while there is still time to mend it.

Worked out in the morning of each centre, when those who can mend it are up. The same day's notice
is one row, however many evaluators work it out.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts.feed import show
from yikao_alerts.feed.words import load_words
from yikao_alerts.notices import COVERAGE, Notice, add, contacts_of
from yikao_alerts.rota.coverage import Problem
from yikao_alerts.rota.staffing import load_problems
from yikao_alerts.rota.store import rows_of

log = logging.getLogger(__name__)

AT: Final = time(7)
"""On the centre's clock."""
DAYS: Final = 14
NAMESPACE: Final = UUID("d0f6d9a2-63f4-5b6d-9a5e-636f76657261")


@dataclass(frozen=True, slots=True)
class Desk:
    """A centre, its zone, and the doctor who is its duty desk."""

    centre_id: str
    name: str
    zone: str
    doctor_id: str
    language: str


@dataclass(frozen=True, slots=True)
class CoverageRound:
    """Looks once a day for each centre; `public_url` is where the feed is reached."""

    public_url: str
    done: dict[str, date] = field(default_factory=dict)
    """Which day each centre was looked at last, as far as this process knows."""

    async def cycle(self, conn: AsyncConnection, now: datetime) -> None:
        """Look at the centres whose morning has come. Within a transaction."""
        desks = [Desk(*row) for row in await rows_of(conn, "desks")]
        due = [desk for desk in desks if self.done.get(desk.centre_id) != morning(now, desk.zone)]
        if not due:
            return
        found = await load_problems(conn, now, now + timedelta(days=DAYS))
        for desk in due:
            day = morning(now, desk.zone)
            holes = [p for p in found if p.hole and desk.centre_id in p.centres]
            if holes:
                await add(conn, await _notices(conn, desk, holes, day, self.public_url), now)
            log.info("on-call coverage", extra={"centre": desk.centre_id, "holes": len(holes)})
            self.done[desk.centre_id] = day


def morning(now: datetime, zone: str) -> date:
    """Return the day whose morning was the last at the centre."""
    local = now.astimezone(ZoneInfo(zone))
    return local.date() if local.time() >= AT else local.date() - timedelta(days=1)


async def _notices(
    conn: AsyncConnection, desk: Desk, holes: Sequence[Problem], day: date, public_url: str
) -> list[Notice]:
    """Return the notice to the desk's first contact; the others are for when that fails."""
    words = load_words(desk.language)
    first = min(hole.begin for hole in holes if hole.begin is not None)
    body = words(
        "oncall.notice.subject",
        centre=desk.name,
        days=DAYS,
        count=len(holes),
        begin=show.moment(words, first, desk.zone),
    )
    number = uuid5(NAMESPACE, f"{desk.centre_id}|{day.isoformat()}")
    contacts = await contacts_of(conn, desk.doctor_id)
    link = f"{public_url}/oncall"
    return [
        Notice(number, COVERAGE, desk.doctor_id, contact, desk.language, body, link)
        for contact in contacts[:1]
    ]
