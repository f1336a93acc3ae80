"""The season of a zone's panel: frozen for each day once its days are made, never changed again."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from psycopg import AsyncConnection

from yikao_alerts.daily.season import OWN_DAYS, RUNNING_DAYS, Season
from yikao_ingest.daily_rows import SQL, calendar_day, day_number, rows_of

NOBODY: Final = Season.from_medians(0, np.zeros(0), np.zeros(0, dtype=np.int32))


async def freeze(conn: AsyncConnection, zone: ZoneInfo, through: int) -> None:
    """Add the panel's median of each day up to `through` that has none yet."""
    season = await load(conn, zone)
    if season.median.size:
        first = season.first_day + season.median.size
    else:
        ((begin,),) = await rows_of(conn, "first_value_day", {"zone": zone.key})
        first = through + 1 if begin is None else day_number(begin)
    for day in range(first, through + 1):
        await _freeze_day(conn, zone, day, season)
        season = await load(conn, zone)


async def _freeze_day(conn: AsyncConnection, zone: ZoneInfo, day: int, season: Season) -> None:
    today = calendar_day(day)
    values = {
        "zone": zone.key,
        "day": today,
        "since": today - timedelta(days=RUNNING_DAYS),
        "own_days": OWN_DAYS,
    }
    by_day: dict[date, list[tuple[int, float]]] = defaultdict(list)
    for patient, at, value, total, count in await rows_of(conn, "season_values", values):
        by_day[at].append((patient, value - total / count))
    own = [difference for _, difference in by_day[today]]
    median = float(np.median(own)) if own else np.nan
    panel = len({patient for rows in by_day.values() for patient, _ in rows})
    begin = season.first_day if season.median.size else day
    longer = Season.from_medians(
        begin, np.append(season.median, median), np.append(season.panel, np.int32(panel))
    )
    frozen = {
        "panel": zone.key,
        "day": today,
        "residents": panel,
        "median": None if np.isnan(median) else median,
        "g": float(longer.index[-1]) if longer.present[-1] else None,
    }
    await conn.execute(SQL["freeze_season"], frozen)


async def load(conn: AsyncConnection, zone: ZoneInfo) -> Season:
    """Return the season of a zone's panel as far as it is frozen."""
    rows = await rows_of(conn, "season", {"panel": zone.key})
    if not rows:
        return NOBODY
    median = np.array([np.nan if row[1] is None else row[1] for row in rows], dtype=np.float64)
    panel = np.array([row[2] for row in rows], dtype=np.int32)
    return Season.from_medians(day_number(rows[0][0]), median, panel)
