"""What the evaluator is given: residents who wait, and all about them, for many at once.

One question to the database for each kind of thing, not for each resident. What cannot be made
sense of is found out resident by resident: one who cannot be read holds up nobody else.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts import window
from yikao_alerts.clock import Now
from yikao_alerts.deliberate import PageKnown
from yikao_alerts.episodes import Episode, Known, State
from yikao_alerts.findings import NOT_NEEDED, Finding, finding
from yikao_alerts.from_wire import matters, measurement_of
from yikao_alerts.history import DEVICE, Measurement, Profile, Symptoms, history_of, key_of
from yikao_alerts.plan import plan_of
from yikao_alerts.record import GENESIS, Given
from yikao_alerts.resident import Resident
from yikao_alerts.rules.model import RuleSet
from yikao_alerts.store import LOCK_CLASS, SQL
from yikao_devices import wire

OLDEST: Final = timedelta(days=30)
"""A finding of the window was found no longer ago than this."""
LOOK_AT: Final = 2000
"""Queue entries and timers among which a batch is claimed: enough for several evaluators."""

Rows = list[tuple[Any, ...]]
Said = TypeVar("Said", Measurement, Symptoms)
SYMPTOM: Final = "symptom"
"""Among what arrived late: a report, not a reading."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a resident's chain: its number, 0 when there is none, and its hash."""

    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """One resident to look at: what is given, what is known, where the chain of records stands."""

    given: Given
    known: Known
    head: Head
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Claim:
    """Residents who are ours until the transaction ends, and the time of the whole batch."""

    patients: tuple[int, ...]
    now: datetime


async def claim(conn: AsyncConnection, read_now: Now, most: int) -> Claim:
    """Return at most so many residents to look at, locked, with their queue and timers taken.

    A resident whom somebody else has locked is passed over. One who was dealt with between our
    looking and our locking has nothing left to take, and is no work. The clock is read after the
    queue was claimed: whoever looked last at one of these may have looked until then.
    """
    await conn.execute(SQL["in_utc"])
    bounds = {"lock_class": LOCK_CLASS, "look_at": LOOK_AT}
    queued = await _ids(conn, "claim_queued", bounds | {"most": most})
    now = await read_now(conn)
    still = {"now": now, "most": most - len(queued)}
    due = await _ids(conn, "claim_due", bounds | still) if len(queued) < most else []
    who = {"patients": array(queued + due), "queued": array(queued), "now": now}
    taken = set(await _ids(conn, "take_queued", who)) | set(await _ids(conn, "take_timers", who))
    return Claim(tuple(p for p in dict.fromkeys(queued + due) if p in taken), now)


async def _ids(conn: AsyncConnection, statement: str, values: Mapping[str, Any]) -> list[int]:
    return [row[0] for row in await _rows(conn, statement, values)]


async def _rows(conn: AsyncConnection, statement: str, values: Mapping[str, Any]) -> Rows:
    cursor = conn.cursor(binary=True)
    await cursor.execute(SQL[statement], values)
    return await cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything about a batch of residents, as rows; `look` makes sense of one resident's."""

    now: datetime
    rules: RuleSet
    rows: Mapping[str, Mapping[int, Rows]]
    people: Mapping[int, Resident]

    def look(self, patient_id: int) -> Look:
        """Return one resident to look at; raises whatever is wrong with the resident's rows."""
        about = {name: by_patient.get(patient_id, []) for name, by_patient in self.rows.items()}
        (row,) = about["residents"]
        devices, unit_habit, profile, seq, head, zone = row[6:]
        measurements = [measurement_of_row(row) for row in about["measurements"]]
        if others := {row[1] for row in about["others"]}:
            measurements = [m for m in measurements if m.key not in others]
        for _, received_at, payload in about["implausible"]:
            measurements += _implausible(received_at, bytes(payload))
        symptoms = [
            Symptoms(f"symptom/{reading_id}", at, received_at, frozenset(codes))
            for _, reading_id, at, received_at, codes in about["symptoms"]
        ]
        if late := dict(_came_at(row) for row in about["arrived"]):
            measurements = [_as_of_then(m, late) for m in measurements]
            symptoms = [_as_of_then(report, late) for report in symptoms]
        usually = (_profile(profile), devices or (), unit_habit)
        history = history_of(measurements, symptoms, *usually)
        episodes = [_episode(*row[1:]) for row in about["active_episodes"]]
        findings = frozenset(row[1:] for row in about["known_findings"])
        known = Known({e.family: e for e in episodes}, findings)
        told = _told(about["told_today"], self.rules)
        given = Given(patient_id, self.now, history, self.people[patient_id], told)
        return Look(given, known, Head(seq or 0, head or GENESIS), ZoneInfo(zone))


async def load(
    conn: AsyncConnection,
    patients: Sequence[int],
    rules: RuleSet,
    now: datetime,
    *,
    whole: bool = False,
) -> Loaded:
    """Return everything the evaluator looks at about these residents.

    whole: the readings of the whole window, those that cannot matter too.
    """
    values: dict[str, Any] = {
        "patients": array(patients),
        "now": now,
        "since": window.since(now),
        "recent": window.recent(now),
        "oldest": now - OLDEST,
    }
    asked = {name: await _rows(conn, name, values) for name in _ASKED}
    asked["implausible"] = [row for row in asked["implausible"] if matters(row[2])]
    rows = {name: _by_patient(found) for name, found in asked.items()}
    people = {patient_id: resident_of_row(row) for patient_id, (row,) in rows["residents"].items()}
    begins = dict.fromkeys(people, values["since"])
    if not whole:
        begins = await _begins(conn, rows, people, rules, values)
    order = dict.fromkeys((*begins, *people))
    values |= {"patients": array(order), "begins": list(begins.values())}
    rows["measurements"] = _by_patient(await _rows(conn, "measurements", values))
    return Loaded(now, rules, rows, people)


def array(numbers: Iterable[int]) -> str:
    """Return numbers as the database writes an array: the quickest way to hand over many."""
    return "{" + ",".join(map(str, numbers)) + "}"


_ASKED: Final = (
    *("residents", "implausible", "symptoms", "told_today", "others", "arrived"),
    *("active_episodes", "known_findings"),
)


async def _begins(
    conn: AsyncConnection,
    rows: Mapping[str, Mapping[int, Rows]],
    people: Mapping[int, Resident],
    rules: RuleSet,
    values: Mapping[str, Any],
) -> dict[int, datetime]:
    """Return from when on readings are looked at (`window.py`), of whom it is not the usual."""
    now = values["now"]
    zones: dict[window.Bounds, int] = {}
    zone_of = [
        zones.setdefault(window.bounds(plan_of(rules, resident, now.year)), len(zones) + 1)
        for resident in people.values()
    ]
    bounds = {name: [zone[n] for zone in zones] for n, name in enumerate(window.Bounds._fields)}
    # In seconds: a day is 24 hours, whatever the session's zone.
    late = f"{rules.late.late_after.total_seconds()} s"
    where = {"patients": array(people), "zone_of": array(zone_of), "late": late}
    loud: dict[int, datetime] = dict(await _rows(conn, "first_loud", {**values, **bounds, **where}))
    for patient_id, reports in rows["symptoms"].items():
        first = min(report[2] for report in reports)
        loud[patient_id] = min(first, loud.get(patient_id, first))
    for patient_id, came in rows["arrived"].items():
        first = min(row[3] for row in came)
        loud[patient_id] = min(first, loud.get(patient_id, first))
    loud |= dict.fromkeys(rows["implausible"], values["since"])
    return {p: window.begin(at, rules, now) for p, at in loud.items()}


def _came_at(row: tuple[Any, ...]) -> tuple[str, datetime]:
    """Return the key of a reading or report, and since when the resident has had it."""
    _, kind, address, at, reading_id, came_at = row
    return f"symptom/{reading_id}" if kind == SYMPTOM else key_of(kind, address, at), came_at


def _as_of_then(said: Said, late: Mapping[str, datetime]) -> Said:
    """Return it as of when it came to the resident: what is long over is no news."""
    came_at = late.get(said.key)
    return said if came_at is None else replace(said, received_at=came_at)


def _told(rows: Rows, rules: RuleSet) -> tuple[Finding, ...]:
    """Return entries of the daily lane as the findings that open an episode."""
    by_id = {rule.id: rule for rule in rules.rules} if rows else {}
    return tuple(
        replace(
            finding(
                by_id[rule_id],
                opened_at,
                (f"day/{day.isoformat()}",),
                {name: float(value) for name, value in evidence["values"].items()},
                NOT_NEEDED,
            ),
            severity=severity,
            ask_again=False,
        )
        for _, rule_id, severity, day, opened_at, evidence in rows
        if rule_id in by_id
    )


def _episode(episode_id: int, family: str, state: str, *rest: Any) -> Episode:
    return Episode(episode_id, family, State(state), *rest)


def resident_of_row(row: tuple[Any, ...]) -> Resident:
    """Return who somebody is, from number, year of birth, sex, groups, targets, options."""
    _, birth_year, sex, groups, targets, options, *_ = row
    return Resident(
        birth_year, sex, frozenset(groups or ()), targets or {}, frozenset(options or ())
    )


def _by_patient(rows: Rows) -> dict[int, Rows]:
    found: dict[int, Rows] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def measurement_of_row(row: tuple[Any, ...]) -> Measurement:
    """Return a row of `measurements`, its values in the device's own unit."""
    _, kind, address, at, received_at, unit, flags, meal, doubt_s, *columns = row
    return Measurement(
        key_of(kind, address, at),
        kind,
        at,
        received_at,
        unit,
        {field: columns[place] for field, place in _COLUMNS[unit] if columns[place] is not None},
        frozenset(flags) if flags else _NO_FLAGS,
        address,
        True,
        meal,
        DEVICE,
        doubt_s,
    )


_NO_FLAGS: Final[frozenset[str]] = frozenset()
_COLUMNS: Final = {
    "mmHg": (("systolic", 0), ("diastolic", 1), ("pulse", 2)),
    "kPa": (("systolic", 3), ("diastolic", 4), ("pulse", 2)),
    "mmol/L": (("glucose", 5),),
    "mg/dL": (("glucose", 6),),
}
"""Which column holds which value, by unit: as `measurements` selects them."""


def _implausible(received_at: datetime, payload: bytes) -> list[Measurement]:
    item = wire.decode_item(payload)
    if isinstance(item, wire.BloodPressureReading | wire.GlucoseReading):
        return [measurement_of(item, received_at, plausible=False)]
    return []


def _profile(stored: Mapping[str, Any] | None) -> Profile | None:
    if stored is None:
        return None
    first, second, third = (tuple(row) for row in stored["covariance"])
    return Profile(stored["n"], tuple(stored["mean"]), (first, second, third))


async def load_pages(
    conn: AsyncConnection, episodes: Iterable[Episode]
) -> dict[tuple[int, int], list[PageKnown]]:
    """Return the pages that each episode has, by its number and round."""
    found: dict[tuple[int, int], list[PageKnown]] = {}
    ids = [episode.episode_id for episode in episodes]
    for episode_id, round_, *page in await _rows(conn, "pages_of_episodes", {"episodes": ids}):
        found.setdefault((episode_id, round_), []).append(PageKnown(*page))
    return found
