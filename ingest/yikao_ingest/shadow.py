"""Rules on trial: decided beside the live ones, on the same readings, and nobody is told.

What they would have found is kept apart, so that before a rule set goes live it is known how many
more or fewer calls it would have made. A fault in a set on trial never touches a live decision.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection, InterfaceError, OperationalError

from yikao_alerts.judged import judged
from yikao_alerts.record import GENESIS
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import SQL, jsonb
from yikao_alerts.store_read import Head, Look
from yikao_alerts.store_write import Decided, save_decisions, save_many
from yikao_alerts.version import code_version

log = logging.getLogger(__name__)


async def keep_rules(conn: AsyncConnection, rules: RuleSet, now: datetime) -> None:
    """Store the text of a rule set, once: a year later its decisions can be computed again."""
    values = {"digest": rules.digest, "name": rules.profile, "now": now}
    cursor = await conn.execute(SQL["has_ruleset"], values)
    if await cursor.fetchone() is None:
        await conn.execute(SQL["keep_ruleset"], values | {"texts": jsonb(rules.texts)})


async def try_out(conn: AsyncConnection, looks: Sequence[Look], rules: RuleSet) -> None:
    """Store what `rules` would have decided; what goes wrong is logged and leaves nothing."""
    try:
        async with conn.transaction():
            await _try_out(conn, looks, rules)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # a trial must not hold up a live decision
        log.exception("the rule set on trial failed", extra={"digest": rules.digest})


async def _try_out(conn: AsyncConnection, looks: Sequence[Look], rules: RuleSet) -> None:
    now = looks[0].given.now
    await keep_rules(conn, rules, now)
    patients = [look.given.patient_id for look in looks]
    cursor = await conn.execute(SQL["shadow_heads"], {"patients": patients})
    heads = {row[0]: Head(row[1], bytes(row[2])) for row in await cursor.fetchall()}
    decided = [
        Decided(look.given, judged(look.given, rules), heads.get(patient, Head(0, GENESIS)))
        for patient, look in zip(patients, looks, strict=True)
    ]
    numbers = await save_decisions(conn, decided, code_version(), shadow=True)
    rows = [
        {
            "digest": rules.digest,
            "patient_id": each.given.patient_id,
            "rule_id": finding.rule_id,
            "trigger_key": finding.trigger,
            "confirmed": finding.confirmed,
            "family": finding.family,
            "severity": finding.severity,
            "now": now,
            "decision_id": number,
        }
        for number, each in zip(numbers, decided, strict=True)
        for finding in each.said.findings
    ]
    await save_many(conn, "insert_shadow_finding", rows)
