"""The facts of the proof of coverage, read from the database: panels, rotas, leave, methods."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection

from yikao_alerts.roster import specialty_role
from yikao_alerts.rota.coverage import Method, Panel, Problem, Staffing, problems
from yikao_alerts.rota.store import load_leaves, load_rotas, rows_of
from yikao_alerts.rules.policy import load_policies


async def load_staffing(conn: AsyncConnection, since: datetime) -> Staffing:
    """Return who cares for whom and how each is reached; words that ended before `since` go."""
    panels = [_panel(*row) for row in await rows_of(conn, "panels")]
    methods: dict[str, list[Method]] = defaultdict(list)
    for doctor_id, _, channel, _, verified_at in await rows_of(conn, "methods"):
        methods[doctor_id].append(Method(channel, verified_at))
    leaves = await load_leaves(conn, since)
    return Staffing(panels, await load_rotas(conn, since), leaves, methods)


def _panel(
    centre: str | None,
    team: str,
    own_doctor: str,
    residents: int,
    team_rota: str | None,
    duty_rota: str | None,
    duty_doctor: str,
    desk: str | None,
    specialists: Sequence[tuple[str, str]] | None,
) -> Panel:
    """Return a panel: the team's standing duty doctor stands where the centre has nobody."""
    rotas = {"team": team_rota, "duty_doctor": duty_rota}
    standing = {"duty_doctor": duty_doctor, "duty_desk": desk or duty_doctor}
    named = {role: rota for role, rota in rotas.items() if rota is not None}
    named |= {specialty_role(name): rota for name, rota in specialists or ()}
    return Panel(centre, team, own_doctor, residents, named, standing)


async def load_problems(conn: AsyncConnection, begin: datetime, end: datetime) -> list[Problem]:
    """Return what is wrong with who can be reached from `begin` to `end`."""
    staffing = await load_staffing(conn, begin)
    # In a thread: seconds for a city, and whoever asks has others to serve meanwhile.
    return await asyncio.to_thread(problems, staffing, load_policies(), begin, end)
