"""How much a doctor is called for on one day, and what is left to the worklist instead.

Red has no budget: it always calls. Of what is for today the worst are told in the digest, up to the
policy's number; the others stand in the worklist, marked, and their chain goes on: who comes next
is called within a budget of their own. Where too much calls, the true alert is not seen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from yikao_alerts.rules import load_rules
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import RuleSet
from yikao_alerts.rules.policy import load_policies
from yikao_alerts.sql_blocks import load_sql_blocks

SQL: Final = load_sql_blocks("yikao_alerts", "sql/budget.sql")
LOCK: Final = 0x79696B63
"""Advisory lock of whoever ranks: two pagers would each spend the whole budget."""
YELLOW: Final = "today"


@dataclass(frozen=True, slots=True)
class Yellow:
    """A page of a digest that is about to go out.

    distance: how far past its limit the reading lies, as a share of it; told: for how many the
    doctor was called today already.
    """

    page_id: UUID
    doctor_id: str
    level: int
    opened_at: datetime
    distance: float
    told: int

    @property
    def rank(self) -> tuple[int, datetime, float, UUID]:
        """Return what orders them, the first first: level, age in hours, distance."""
        hour = self.opened_at.replace(minute=0, second=0, microsecond=0)
        return -self.level, hour, -self.distance, self.page_id


def beyond(yellows: Iterable[Yellow], a_day: int) -> list[UUID]:
    """Return the pages that are left to the worklist: beyond each doctor's number of the day."""
    by_doctor: dict[str, list[Yellow]] = {}
    for yellow in yellows:
        by_doctor.setdefault(yellow.doctor_id, []).append(yellow)
    return [
        yellow.page_id
        for own in by_doctor.values()
        for yellow in sorted(own, key=lambda each: each.rank)[max(0, a_day - own[0].told) :]
    ]


def distance(rule_id: str, evidence: Mapping[str, Any] | None, rules: RuleSet) -> float:
    """Return how far past its rule's limit a finding lies, as a share of the limit; 0: unknown.

    evidence: as it is stored with a finding.
    """
    forms = (rule.form for rule in rules.rules if rule.id == rule_id)
    limits = [each for form in forms if isinstance(form, OnReading) for each in form.any]
    found = evidence or {}
    unit = str(next((reading["unit"] for reading in found.get("readings", ())), ""))
    shares = [
        limit.beyond(value, unit) / limit.values[unit]
        for limit in limits
        if unit in limit.values and (value := found["statistic"].get(limit.field)) is not None
    ]
    return max(shares, default=0.0)


async def defer(conn: AsyncConnection, now: datetime) -> int | None:
    """Leave to the worklist what goes beyond the doctors' budgets; return how many pages.

    Within the transaction that claims: nothing goes out between the ranking and its result. None
    while another pager ranks: then nothing new for today is ours to send, and red does not wait.
    """
    a_day = load_policies()[YELLOW].calls_a_day
    due = await (await conn.execute(SQL["yellow_is_due"], {"now": now})).fetchone()
    if a_day is None or due is None:
        return 0
    locked = await (await conn.execute(SQL["lock_budget"], {"lock": LOCK})).fetchone()
    if locked != (True,):
        return None
    cursor = conn.cursor(row_factory=dict_row)
    await cursor.execute(SQL["yellows_due"], {"now": now})
    rules = load_rules()
    yellows = [
        Yellow(
            row["page_id"],
            row["doctor_id"],
            row["level"],
            row["opened_at"],
            distance(row["rule_id"], row["evidence"], rules),
            row["told"],
        )
        for row in await cursor.fetchall()
    ]
    if left := beyond(yellows, a_day):
        await conn.execute(SQL["defer_pages"], {"pages": left, "now": now})
    return len(left)
