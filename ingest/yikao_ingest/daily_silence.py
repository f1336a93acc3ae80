"""Who has not measured as expected, and what the home's machines say about why.

Many residents at a time. What silence is, and why it may be, is decided in `yikao_alerts.silence`
(rule DQ-06); here are the rows behind it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts.resident import Resident
from yikao_alerts.rules import RuleSet
from yikao_alerts.rules.forms import Silence
from yikao_alerts.rules.model import Rule
from yikao_alerts.silence import (
    HABIT_DAYS,
    Cause,
    Device,
    Expected,
    Fleet,
    Gateway,
    Silent,
    cause_of,
    day_part,
    habit,
    owner_of,
    silence,
)
from yikao_ingest.daily_rows import OLDEST, rows_of

HEARD: Final = timedelta(days=30)
"""So far back a device's words are looked for. A battery that was low before is another by now."""


def rule_of(rules: RuleSet) -> tuple[Rule, Silence] | None:
    """Return the rule about silence, where the rule set has one."""
    found = [(rule, rule.form) for rule in rules.rules if isinstance(rule.form, Silence)]
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence, and when the last reading was; None: never."""

    silent: Silent
    last_at: datetime | None


async def silences(
    conn: AsyncConnection,
    people: Mapping[int, Resident],
    rules: RuleSet,
    zone: ZoneInfo,
    today: date,
) -> dict[int, Silent]:
    """Return those who have not measured as expected by the beginning of `today`."""
    about = rule_of(rules)
    if about is None:
        return {}
    rule, _ = about
    gaps = await gaps_of(conn, list(people), rules, zone, today)
    return {p: gap.silent for p, gap in gaps.items() if rule.who.met_by(people[p], today)}


async def gaps_of(
    conn: AsyncConnection, patients: Sequence[int], rules: RuleSet, zone: ZoneInfo, today: date
) -> dict[int, Gap]:
    """Return the gaps of those who are silent by the beginning of `today`.

    Habits are looked up only where even somebody who measures daily would have been silent.
    """
    about = rule_of(rules)
    if about is None:
        return {}
    _, form = about
    rows = await rows_of(conn, "last_readings", {"patients": list(patients)})
    since = {
        patient: (at, day_part(at, zone)[0] if at else None, enrolled or today)
        for patient, at, enrolled in rows
    }
    daily = {
        patient: at
        for patient, (at, last, enrolled) in since.items()
        if silence(form, Expected(), last, enrolled, today).behind
    }
    expected = await _habits(conn, {p: at for p, at in daily.items() if at is not None}, zone)
    found = {}
    for patient, at in daily.items():
        _, last, enrolled = since[patient]
        silent = silence(form, expected.get(patient, Expected()), last, enrolled, today)
        if silent.behind:
            found[patient] = Gap(silent, at)
    return found


async def _habits(
    conn: AsyncConnection, last: Mapping[int, datetime], zone: ZoneInfo
) -> dict[int, Expected]:
    """Return what the four weeks up to each one's last reading let expect."""
    begins = [at - timedelta(days=HABIT_DAYS) for at in last.values()]
    parts = defaultdict(set)
    for patient, at in await rows_of(conn, "reading_times", {"patients": [*last], "since": begins}):
        parts[patient].add(day_part(at, zone))
    return {patient: habit(own) for patient, own in parts.items()}


@dataclass(frozen=True, slots=True)
class Home:
    """A resident's devices with the gateways that read them, and since when a battery is low."""

    ways: Sequence[tuple[str, Gateway, Device]]
    low_at: datetime | None

    def gateway(self, now: datetime) -> Gateway:
        """Return the gateway that speaks, or else the one that spoke last."""
        gateways = [gateway for _, gateway, _ in self.ways]
        return max(
            gateways,
            key=lambda each: (each.alive(now), each.seen_at or OLDEST),
            default=Gateway(online=None, seen_at=None),
        )

    def device(self, now: datetime) -> str | None:
        """Return the address of the device by which somebody at home is spoken to."""
        heard = [
            (device.seen_at or OLDEST, address)
            for address, gateway, device in self.ways
            if gateway.alive(now)
        ]
        return max(heard)[1] if heard else None

    def explained(self, gap: Gap, fleet: Fleet, now: datetime) -> Silent:
        """Return the silence with its cause and whose turn it is."""
        devices = [device for *_, device in self.ways]
        gateway = self.gateway(now)
        cause = cause_of(now, gateway, devices, fleet, gap.last_at)
        times = [device.seen_at for device in devices] + [gap.last_at]
        heard = max((at for at in times if at is not None), default=OLDEST)
        known_for = timedelta(0)
        if cause is Cause.GATEWAY:
            known_for = now - (gateway.seen_at or OLDEST)
        elif cause is Cause.DEVICE:
            known_for = now - (self.low_at or heard)
        return gap.silent.because(cause, owner_of(cause, gap.silent.step, known_for))


async def homes_of(
    conn: AsyncConnection, patients: Sequence[int], now: datetime
) -> tuple[dict[int, Home], Fleet]:
    """Return the homes of residents, and how the installation's gateways are."""
    values = {"patients": list(patients), "now": now, "since": now - HEARD}
    ways: dict[int, list[tuple[str, Gateway, Device]]] = {patient: [] for patient in patients}
    low: dict[int, list[datetime]] = defaultdict(list)
    for patient, address, online, seen_at, heard_at, low_at in await rows_of(conn, "homes", values):
        device = Device(heard_at, battery_low=low_at is not None)
        ways[patient].append((address, Gateway(online, seen_at), device))
        low[patient] += [low_at] if low_at is not None else []
    fleet = Fleet.of([Gateway(*row) for row in await rows_of(conn, "gateways", {})], now)
    return {p: Home(own, min(low[p], default=None)) for p, own in ways.items()}, fleet
