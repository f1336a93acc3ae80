"""`yikao quarantine`: what could not be used and why, and what a person decides about it."""

import argparse
import getpass
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg

from yikao_alerts.clock import story_clock
from yikao_ingest.cli_bar import Bar
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.cli_replay import moment
from yikao_ingest.errors import ServerError
from yikao_ingest.quarantine_store import (
    Count,
    Facts,
    Waiting,
    Which,
    check_known,
    chosen,
    counts,
    discard,
    facts,
    newest,
)
from yikao_ingest.reasons import (
    LANGUAGES,
    OWNERS,
    UNOWNED,
    Owner,
    Reason,
    owner_name,
    sentence,
)
from yikao_ingest.store import SQL, DatabaseAwayError, Store

if TYPE_CHECKING:
    from yikao_ingest.quarantine_release import Outcome

    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]
    Connection = psycopg.Connection[tuple[object, ...]]

LISTED: Final = 20
"""Entries that are listed where nobody asks for more."""
LISTED_MAX: Final = 10_000
A_SECOND: Final = timedelta(seconds=1)
"""So long is the time of which a claim says whose the device was: that of one measurement."""
ABOUT = """\
What cannot be used is kept with its bytes, a reason, and who has to act. `list` counts it, `show`
tells all about one entry. Once the cause is mended (a device registered, a binding or a key
corrected), `release` judges the stored bytes again by today's registry: what can be used becomes a
reading with the times at which it was measured and received, what cannot stays. It is looked at as
readings that come late are: nobody is woken by what is over. `discard` puts an entry away with a
reason; its row stays.
"""
EXAMPLES = """\
examples:
  what waits, and for whom?
    yikao quarantine list
    yikao quarantine list --owner operator --since 2026-03-01

  a cuff was missing in the registry: add it, then let out what it has sent since
    yikao registry apply clinic.toml
    yikao quarantine release --device C4:1D:00:00:00:01

  a gateway's key was mended
    yikao quarantine release --reason bad_signature

  an entry that is of no use
    yikao quarantine discard 17 --because "a test of the broker"
"""
NOTHING = "nothing waits  没有待处理的内容"


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    quarantine = subcommands.add_parser(
        "quarantine",
        help="what could not be used: show it, release it after a fix, discard it",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = quarantine.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_list(actions.add_parser("list", help="counts and the newest entries, no values"))
    show = actions.add_parser("show", help="all that is known of one entry")
    show.add_argument("id", type=int, metavar="ID", help="as `list` shows it")
    show.add_argument("--payload", action="store_true", help="its content too, with its values")
    _add_release(actions.add_parser("release", help="judge again after a fix, and store"))
    drop = actions.add_parser("discard", help="put entries away for good; their rows stay")
    drop.add_argument("ids", type=int, nargs="+", metavar="ID", help="as `list` shows them")
    drop.add_argument("--because", required=True, metavar="TEXT", help="why; stored with them")
    for action in (drop, actions.choices["release"]):
        action.add_argument("--by", default=getpass.getuser(), help="who decides (this user)")
    for action in actions.choices.values():
        action.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")
    quarantine.set_defaults(run=run)


def _add_list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reason", choices=[one.value for one in Reason], metavar="REASON", help="only this one"
    )
    parser.add_argument(
        "--owner",
        choices=[one.value for one in Owner],
        metavar="OWNER",
        help=f"only what these have to mend: {', '.join(Owner)}",
    )
    parser.add_argument("--gateway", metavar="ID", help="only from this gateway")
    parser.add_argument("--since", metavar="T", help="only what came at this time or later")
    parser.add_argument(
        "--limit", type=int, default=LISTED, metavar="N", help=f"entries that are shown ({LISTED})"
    )


def _add_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", type=int, nargs="*", metavar="ID", help="these entries")
    parser.add_argument(
        "--reason",
        choices=[one.value for one in Reason],
        metavar="REASON",
        help="all that wait for this reason",
    )
    parser.add_argument("--device", metavar="ADDRESS", help="all that name this device")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; exit code 0."""
    dsn = database_url(arguments.data)
    with database_errors():
        if arguments.action == "release":
            lines = _release(dsn, arguments)
        else:
            with psycopg.connect(dsn, autocommit=True) as conn:
                lines = _look(conn, arguments)
    for line in lines:
        print(line)
    return 0


def _look(conn: "Connection", arguments: argparse.Namespace) -> list[str]:
    match arguments.action:
        case "list":
            return _list(conn, arguments)
        case "show":
            return list(_told(facts(conn, arguments.id), payload=arguments.payload))
        case _:
            gone = discard(conn, arguments.ids, arguments.by, arguments.because, _now(conn))
            rest = len(set(arguments.ids)) - len(gone)
            return [f"{len(gone)} discarded  已作废 {len(gone)} 条", *_closed_before(rest)]


def _list(conn: "Connection", arguments: argparse.Namespace) -> list[str]:
    if not 0 < arguments.limit <= LISTED_MAX:
        raise ServerError(f"--limit {arguments.limit}", f"use 1 to {LISTED_MAX}")
    reasons = None
    if arguments.reason or arguments.owner:
        reasons = frozenset(
            reason
            for reason, owner in OWNERS.items()
            if arguments.reason in (None, reason) and arguments.owner in (None, owner)
        )
    which = Which(reasons, arguments.gateway, moment(arguments.since))
    found = counts(conn, which)
    if not found:
        return [NOTHING]
    lines = [line for count in found for line in _counted(count)]
    return [*lines, "", *map(_line, newest(conn, which, arguments.limit))]


def _counted(count: Count) -> Iterable[str]:
    """Yield how many wait for a reason, who has to act, and what to do."""
    yield (
        f"{count.entries:>7,}  {count.reason}  {_owner(count.reason)}"
        f"  {_at(count.oldest_at)} – {_at(count.newest_at)}"
    )
    for language in LANGUAGES:
        yield f"{'':9}{sentence(count.reason, language)}"


def _line(one: Waiting) -> str:
    where = _shown(f"{one.gateway_id or '-'}  {one.device or '-'}")
    return f"{one.quarantine_id:>7}  {_at(one.received_at)}  {one.reason}  {where}"


def _told(known: Facts, *, payload: bool) -> Iterable[str]:
    """Yield all that is known of an entry."""
    kept = f"kept, key {known.key_id}" if known.signed else None
    closed = None
    if known.closed_at is not None:
        why = f": {known.closed_because}" if known.closed_because else ""
        closed = f"{known.closed_as}, {_at(known.closed_at)}, {known.closed_by}{why}"
    for name, value in (
        ("id 编号", known.quarantine_id),
        ("received 收到", _at(known.received_at)),
        ("reason 原因", f"{known.reason}  {_owner(known.reason)}"),
        *((language, sentence(known.reason, language)) for language in LANGUAGES),
        ("detail 细节", known.detail),
        ("topic 主题", known.topic),
        ("gateway 网关", known.gateway_id),
        ("device 设备", known.device),
        ("resident 居民", known.resident_code),
        ("measured 测量", known.measured_at and _at(known.measured_at)),
        ("reading id", known.reading_id),
        ("ledger 台账", known.outcome),
        ("message 消息", known.message_id),
        ("signature 签名", kept),
        ("closed 了结", closed),
        ("bytes 字节", len(known.payload)),
    ):
        if value is not None:
            yield _shown(f"{name}: {value}")
    yield from _claim(known)
    if payload:
        yield _shown(known.payload.decode("utf-8", "backslashreplace"))


def _claim(known: Facts) -> Iterable[str]:
    """Yield what to write into the registry for something that is nobody's yet."""
    if known.reason not in UNOWNED or known.closed_at is not None or known.measured_at is None:
        return
    since = known.measured_at.replace(microsecond=0)
    yield "claim 认领: into the registry, then release  写入登记表后放行"
    yield "[[bindings]]"
    yield _shown(f'device = "{known.device or "..."}"')
    yield 'resident = "..."'
    yield f"from = {since.isoformat()}"
    yield f"until = {(since + A_SECOND).isoformat()}"


def _shown(text: str) -> str:
    """Return a text from outside as it may be printed: no character of it moves a cursor."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _owner(reason: Reason) -> str:
    return "  ".join(owner_name(OWNERS[reason], language) for language in reversed(LANGUAGES))


def _at(at: datetime) -> str:
    """Return a time as this machine's clock shows it."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S%z}"


def _release(dsn: str, arguments: argparse.Namespace) -> list[str]:
    if not (arguments.ids or arguments.reason or arguments.device):
        raise ServerError("nothing is named", "name ids, or --reason, or --device")
    with psycopg.connect(dsn, autocommit=True) as conn:
        check_known(conn, arguments.ids)
        groups = chosen(
            conn,
            ids=arguments.ids or None,
            reason=arguments.reason and Reason(arguments.reason),
            device=arguments.device,
        )
        now = _now(conn)
    try:
        outcome = _released(dsn, groups, arguments.by, now)
    except DatabaseAwayError as error:
        remedy = "run it again when it is back: what was released stays so"
        raise ServerError(f"the database went away, {error}", remedy) from error
    rest = len(set(arguments.ids)) - sum(map(len, groups))
    return [*_said(outcome), *_closed_before(rest)]


def _released(dsn: str, groups: Sequence[Sequence[int]], by: str, now: datetime) -> "Outcome":
    """Release with a bar that shows how far it is."""
    from yikao_alerts.rules import load_rules
    from yikao_ingest.quarantine_release import Release

    bar, store = Bar(), Store(dsn)
    try:
        release = Release(store, store.directory(), load_rules(), by, now)
        return release.run(groups, lambda done, total: bar.show("judged 已重新判断", done, total))
    finally:
        bar.end()
        store.close()


def _said(outcome: "Outcome") -> Iterable[str]:
    yield f"{outcome.released} released  已放行 {outcome.released} 条"
    for reason, count in outcome.stayed.most_common():
        yield f"{count} not: {reason}  {count} 条未放行  {_owner(reason)}"
        for language in LANGUAGES:
            yield f"  {sentence(reason, language)}"


def _closed_before(count: int) -> Iterable[str]:
    if count > 0:
        yield f"{count} closed before, or taken since  {count} 条此前已了结"


def _now(conn: "Connection") -> datetime:
    row = conn.execute(SQL["read_clock"]).fetchone()
    assert row is not None, "a clock always answers"
    at = row[0]
    assert isinstance(at, datetime), "it answers with a time"
    return story_clock().at(at.timestamp())
