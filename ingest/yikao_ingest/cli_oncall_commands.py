"""What each `yikao oncall` command does: read, say, prove, exchange; printed in two languages."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from yikao_alerts.clock import read_clock
from yikao_alerts.feed import show
from yikao_alerts.feed.oncall_forms import SPAN_MAX
from yikao_alerts.feed.oncall_view import DAYS, joined, line_of, said_line
from yikao_alerts.feed.words import Words, load_words
from yikao_alerts.rota.ical import CalendarError, export, import_shifts
from yikao_alerts.rota.model import HandOver, Kind, Leave, Override, Rota, Rotas, Word
from yikao_alerts.rota.names import Names, RotaName, load_names, load_said
from yikao_alerts.rota.on_call import on_call, shifts
from yikao_alerts.rota.staffing import load_problems
from yikao_alerts.rota.store import Signed, load_rotas, say, say_leave, withdraw
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.errors import ServerError

WEEK: Final = timedelta(days=7)
FALLBACK_ZONE: Final = "Asia/Shanghai"
"""Of printed times while the registry names no centre."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command works with."""

    conn: AsyncConnection
    now: datetime
    names: Names
    rotas: Rotas
    words: Words
    arguments: argparse.Namespace

    @property
    def zone(self) -> str:
        """The zone of what is about no rota: the first centre's."""
        return next((c.zone for c in self.names.centres.values()), FALLBACK_ZONE)

    def rota(self) -> tuple[Rota, RotaName]:
        """Return the rota that was named."""
        rota_id = self.arguments.rota
        if rota_id not in self.rotas:
            known = ", ".join(self.rotas) or "none yet, see docs/registry.example.toml"
            raise ServerError(f"there is no rota {rota_id}", f"the rotas are: {known}")
        return self.rotas[rota_id], self.names.rotas[rota_id]

    def doctor(self, doctor_id: str) -> str:
        """Return the id of a doctor who is in the registry."""
        if doctor_id not in self.names.doctors:
            known = ", ".join(self.names.doctors)
            raise ServerError(f"there is no doctor {doctor_id}", f"the doctors are: {known}")
        return doctor_id

    def signed(self) -> Signed:
        """Return the signature of what is said."""
        return Signed(self.doctor(self.arguments.by), self.now, self.arguments.reason)

    def span(self, zone: str) -> tuple[datetime, datetime]:
        """Return from when until when, as written: on the clock of `zone` unless it says more."""
        begin, end = (_moment(text, zone) for text in (self.arguments.begin, self.arguments.end))
        if not begin < end <= begin + SPAN_MAX:
            raise ServerError("the end is not after the start, or a year later", "mend the times")
        if end <= self.now:
            raise ServerError("all of it is past", "mend the times")
        return begin, end

    def moment(self, at: datetime, zone: str) -> str:
        """Return a time as printed."""
        return show.moment(self.words, at, zone)


def run(arguments: argparse.Namespace) -> int:
    """Run a command against the database; return its exit code."""
    with database_errors():
        return asyncio.run(_with_desk(arguments))


async def _with_desk(arguments: argparse.Namespace) -> int:
    async with await AsyncConnection.connect(database_url(arguments.data)) as conn:
        now = await read_clock(conn)
        names, rotas = await load_names(conn), await load_rotas(conn, now - timedelta(days=1))
        desk = Desk(conn, now, names, rotas, load_words(arguments.language), arguments)
        return await ACTIONS[arguments.action](desk)


async def _now(desk: Desk) -> int:
    for rota_id, rota in desk.rotas.items():
        who = joined(on_call(rota, desk.now), desk.names) or desk.words("oncall.nobody")
        print(f"{desk.names.of(rota_id)} ({rota_id}): {who}")
    for centre in desk.names.centres.values():
        print(f"{centre.name} · {desk.words('oncall.desk')}: {desk.names.of(centre.duty_desk)}")
    return _without_rotas(desk)


async def _week(desk: Desk) -> int:
    for rota_id, rota in desk.rotas.items():
        print(f"{desk.names.of(rota_id)} ({rota_id})")
        for shift in shifts(rota, desk.now, desk.now + WEEK):
            who = joined(shift.doctors, desk.names) or f"!! {desk.words('oncall.nobody')}"
            begin, end = (desk.moment(at, rota.zone.key) for at in (shift.begin, shift.end))
            print(f"  {begin} – {end}  {who}")
    return _without_rotas(desk)


def _without_rotas(desk: Desk) -> int:
    if not desk.rotas:
        print(f"{desk.words('oncall.no_centre')}. {desk.words('oncall.no_centre_text')}")
    return 0


async def _said(desk: Desk) -> int:
    said = await load_said(desk.conn, desk.now)
    for each in said:
        line = said_line(each, desk.words, desk.names, desk.zone)
        at = desk.moment(each.at, desk.zone)
        by = desk.words("oncall.signed", by=desk.names.of(each.by), at=at, reason=each.reason)
        print(f"{each.what} {each.number}: {line}  ({by})")
    if not said:
        print(desk.words("oncall.said_none"))
    return 0


async def _lint(desk: Desk) -> int:
    """Print what is wrong; exit code 1 when somebody may be called in vain."""
    end = desk.now + timedelta(days=desk.arguments.days)
    found = await load_problems(desk.conn, desk.now, end)
    for problem in found:
        line = line_of(problem, desk.words, desk.names, desk.zone)
        count = desk.words("oncall.residents", count=line.residents) if line.residents else ""
        print(f"{'HOLE   ' if line.hole else 'warning'} {line.what}  {count}".rstrip())
        print(f"        → {line.fix}")
    holes = sum(problem.hole for problem in found)
    print(f"{desk.arguments.days} d: {holes} holes 空缺, {len(found) - holes} warnings 提醒")
    return 1 if holes else 0


async def _override(desk: Desk) -> int:
    rota, _ = desk.rota()
    doctors = tuple(desk.doctor(one.strip()) for one in desk.arguments.doctors.split(","))
    return await _say(desk, Override(Kind(desk.arguments.kind), doctors, *desk.span(rota.zone.key)))


async def _handover(desk: Desk) -> int:
    rota, _ = desk.rota()
    giver, taker = desk.doctor(desk.arguments.giver), desk.doctor(desk.arguments.taker)
    return await _say(desk, HandOver(giver, taker, *desk.span(rota.zone.key)))


async def _say(desk: Desk, word: Word) -> int:
    number = await say(desk.conn, desk.arguments.rota, word, desk.signed())
    return await _told(desk, f"override {number}")


async def _leave(desk: Desk) -> int:
    doctor = desk.doctor(desk.arguments.doctor)
    given = desk.arguments.substitute
    substitute = desk.doctor(given) if given else None
    if substitute == doctor:
        raise ServerError("nobody stands in for themself", "name another, or nobody")
    centre = desk.names.centres.get(desk.names.doctors[doctor].centre or "")
    span = desk.span(centre.zone if centre else desk.zone)
    number = await say_leave(desk.conn, Leave(doctor, *span, substitute), desk.signed())
    return await _told(desk, f"leave {number}")


async def _told(desk: Desk, what: str) -> int:
    """Say what was written down, and at once what is wrong with the next days."""
    print(f"{what}: {desk.words('oncall.said.override')}")
    soon = desk.now + timedelta(days=DAYS - 1)
    for problem in await load_problems(desk.conn, desk.now, soon):
        if problem.trouble == "nobody":
            print(f"!! {line_of(problem, desk.words, desk.names, desk.zone).what}", file=sys.stderr)
    return 0


async def _withdraw(desk: Desk) -> int:
    by, wanted = desk.doctor(desk.arguments.by), desk.arguments
    if not await withdraw(desk.conn, wanted.what, wanted.number, by, desk.now):
        raise ServerError(
            f"{wanted.what} {wanted.number} does not count any more, or never did",
            "`yikao oncall said` shows what does",
        )
    print(desk.words("oncall.said.withdrawn"))
    return 0


async def _export(desk: Desk) -> int:
    rota, name = desk.rota()
    spans = shifts(rota, desk.now, desk.now + timedelta(days=desk.arguments.days))
    content = export(name.name, rota.rota_id, spans, desk.names.doctor_names, desk.now)
    try:
        desk.arguments.file.write_bytes(content)
    except OSError as error:
        what = f"{desk.arguments.file} cannot be written, {error.strerror}"
        raise ServerError(what, "name another file") from error
    print(f"{desk.arguments.file}: {sum(bool(s.doctors) for s in spans)} shifts 班次")
    return 0


async def _import(desk: Desk) -> int:
    """Write each shift of a calendar down as an override: all of them, or none."""
    rota, _ = desk.rota()
    end = desk.now + timedelta(days=desk.arguments.days)
    try:
        content = desk.arguments.file.read_bytes()
        names = desk.names.doctor_names
        spans = import_shifts(content, names, rota.zone, desk.now, end)
    except OSError as error:
        what = f"{desk.arguments.file} cannot be read, {error.strerror}"
        raise ServerError(what, "name the file") from error
    except CalendarError as error:
        raise ServerError(
            f"{desk.arguments.file}: {error}", "mend it; nothing was stored"
        ) from error
    for span in spans:
        word = Override(Kind.REPLACE, span.doctors, span.begin, span.end)
        await say(desk.conn, rota.rota_id, word, desk.signed())
    return await _told(desk, f"{len(spans)} shifts 班次")


async def _verify(desk: Desk) -> int:
    from yikao_ingest.contact_checks import ask_to_confirm

    doctor = desk.names.doctors[desk.doctor(desk.arguments.doctor)]
    channels = await ask_to_confirm(desk.conn, doctor, desk.now, os.environ, desk.arguments.data)
    if not channels:
        raise ServerError(f"{doctor.doctor_id} has no contact", "write one into the registry")
    print(f"{doctor.name}: {', '.join(channels)}")
    print("open the link in each message and confirm  打开每条消息里的链接并确认")
    return 0


def _moment(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ServerError(f"{text} is no time", "write 2027-02-06T08:00") from error
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))


ACTIONS: Final[dict[str, Callable[[Desk], Awaitable[int]]]] = {
    "now": _now,
    "week": _week,
    "said": _said,
    "lint": _lint,
    "override": _override,
    "leave": _leave,
    "handover": _handover,
    "withdraw": _withdraw,
    "export": _export,
    "import": _import,
    "verify": _verify,
}
