"""What follows from decisions: pages into the outbox, questions to the home, when to look again.

What is due is decided in `yikao_alerts.deliberate`; here it is asked for and stored, for a batch of
residents at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection

from yikao_alerts import store
from yikao_alerts.care_read import load_care
from yikao_alerts.compose import values_text
from yikao_alerts.deliberate import (
    Ask,
    PageDue,
    asks,
    look_again_at,
    pages_due,
    specialty_of,
    tasks,
)
from yikao_alerts.episodes import Change, Episode
from yikao_alerts.escalation import load_policies
from yikao_alerts.evaluate import Evaluation
from yikao_alerts.family import NoticeDue, notices_due
from yikao_alerts.prompts import next_reminder_at, reminders
from yikao_alerts.record import Given
from yikao_alerts.roster import Care
from yikao_alerts.rules import RuleSet
from yikao_alerts.store import COMMANDS, PAGES, Linking
from yikao_alerts.store_read import load_pages
from yikao_alerts.store_write import (
    ask_row,
    notice_row,
    save_many,
    save_pages,
    set_timers,
    task_row,
    withdraw_asks,
)


@dataclass(frozen=True, slots=True)
class Followed:
    """One resident's decision, what it changed, and the episodes that are active after it."""

    given: Given
    said: Evaluation
    changes: Sequence[Change]
    active: Sequence[Episode]


async def follow(
    conn: AsyncConnection,
    decided: Sequence[Followed],
    rules: RuleSet,
    linking: Linking,
    now: datetime,
) -> None:
    """Store the pages, the questions and the timers that follow from the decisions."""
    concerned = [each for each in decided if each.active or each.changes or each.said.courses]
    patients = [each.given.patient_id for each in concerned]
    care = await load_care(conn, patients, now) if patients else {}
    next_pages = await _page(conn, decided, care, rules, linking, now)
    wanted = [
        ask_row(each.given.patient_id, ask, now)
        for each in decided
        for ask in _to_say(each, care.get(each.given.patient_id), rules)
    ]
    await save_many(conn, "insert_command", wanted)
    in_course = [each.given.patient_id for each in decided if each.said.courses]
    said = [row["command_id"] for row in wanted]
    taken_back = bool(in_course) and await withdraw_asks(conn, in_course, said, now)
    if wanted or taken_back:
        await store.notify(conn, COMMANDS)
    for each in concerned:
        zone = care[each.given.patient_id].zone
        next_pages.setdefault(each.given.patient_id, []).append(next_reminder_at(each.said, zone))
    await save_many(
        conn,
        "insert_task",
        [
            task_row(each.given.patient_id, task, now)
            for each in concerned
            for task in tasks(each.changes, rules, now, care[each.given.patient_id].zone)
        ],
    )
    again = {
        each.given.patient_id: look_again_at(
            each.said, each.active, next_pages.get(each.given.patient_id, [])
        )
        for each in decided
    }
    await set_timers(conn, {patient: at for patient, at in again.items() if at is not None})


def _to_say(each: Followed, care: Care | None, rules: RuleSet) -> list[Ask]:
    """Return what is to be said at home now."""
    said = asks(each.said, each.changes, each.given.history, rules, each.active)
    return said if care is None else [*said, *reminders(each.said, care.zone)]


def measured(each: Followed, family: str) -> str:
    """Return the newest reading that a family's findings rest on, as it was measured."""
    keys = {key for f in each.said.findings if f.family == family for key in f.inputs}
    found = [m for m in each.given.history.measurements if m.key in keys]
    newest = max(found, key=lambda m: m.at, default=None)
    return values_text(newest.values, newest.unit) if newest else ""


async def _page(
    conn: AsyncConnection,
    decided: Sequence[Followed],
    care: Mapping[int, Care],
    rules: RuleSet,
    linking: Linking,
    now: datetime,
) -> dict[int, list[datetime | None]]:
    """Store the pages that are due now; return when each resident's next ones are."""
    paging = [each for each in decided if each.active]
    if not paging:
        return {}
    known = await load_pages(conn, [episode for each in paging for episode in each.active])
    due: list[PageDue] = []
    notices: list[NoticeDue] = []
    following: dict[int, list[datetime | None]] = {}
    for each in paging:
        late = {f.family: f.late for f in each.said.findings if f.family}
        who = care[each.given.patient_id]
        times = following.setdefault(each.given.patient_id, [])
        for episode in each.active:
            made = known.get((episode.episode_id, episode.round), [])
            pages, next_at = pages_due(
                episode,
                load_policies(),
                who,
                made,
                now,
                late=late.get(episode.family, False),
                measured=measured(each, episode.family),
                specialty=specialty_of(episode, rules),
            )
            due += pages
            notices += notices_due(episode, who, made, each.changes)
            times.append(next_at)
    if due or notices:
        await save_pages(conn, due, linking, now)
        await save_many(conn, "insert_notice", [notice_row(notice, now) for notice in notices])
        await store.notify(conn, PAGES)
    return following
