"""Who has to mend what the upkeep cannot: a notice to each centre's duty desk, once a day.

It says how many faults there are; what they are is for who runs the service: `yikao check`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from psycopg import AsyncConnection

from yikao_alerts.notices import UPKEEP, Notice, add, contacts_of
from yikao_alerts.rota.store import rows_of
from yikao_ingest.daily_coverage import Desk, morning
from yikao_ingest.upkeep.book import Fault

PATIENCE: Final = timedelta(hours=1)
"""What mends itself within this is told to nobody but the log."""
NAMESPACE: Final = UUID("6c1a3f0e-5d0b-5d6b-9a5e-75706b656570")
SAID: Final = {
    "zh": "数据库维护有 {count} 项持续失败（最早自 {since:%m-%d %H:%M} UTC）。"
    "请通知系统管理员运行 yikao check。",
    "en": "{count} tasks of the database's upkeep keep failing, the first since"
    " {since:%m-%d %H:%M} UTC. Please tell who runs the service: `yikao check`.",
}


def lasting(found: Sequence[Fault], now: datetime) -> list[datetime]:
    """Return since when those faults are there that have lasted, the oldest first."""
    since = [fault.since for fault in found if fault.since is not None]
    return sorted(at for at in since if now - at >= PATIENCE)


async def tell(
    conn: AsyncConnection, found: Sequence[Fault], now: datetime, public_url: str
) -> int:
    """Have the duty desks told of faults that have lasted; return how many notices are new."""
    since = lasting(found, now)
    if not since:
        return 0
    notices = []
    for desk in [Desk(*row) for row in await rows_of(conn, "desks")]:
        day = morning(now, desk.zone)
        number = uuid5(NAMESPACE, f"{desk.centre_id}|{day.isoformat()}")
        body = SAID[desk.language].format(count=len(since), since=since[0])
        notices += [
            Notice(
                number,
                UPKEEP,
                desk.doctor_id,
                contact,
                desk.language,
                body,
                f"{public_url}/operations",
            )
            for contact in (await contacts_of(conn, desk.doctor_id))[:1]
        ]
    return await add(conn, notices, now)
