"""`yikao pages`: pages that grew old while no pager ran, and what a person decides about them."""

import argparse
import asyncio
import getpass
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from yikao_alerts.clock import read_clock
from yikao_alerts.outbox.held import HeldPage, discard, held_pages, release
from yikao_alerts.working import connect
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.errors import ServerError

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
A page that is more than an hour old when a pager starts does not go out by itself: after an outage,
or out of a backup, nobody is to be woken by what is over. Who is still waiting is not lost by it:
an open episode goes on calling, with new pages.
"""
NOTHING = "no page is held  没有暂停的寻呼"


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    pages = subcommands.add_parser(
        "pages",
        help="pages that are held until a person lets them go",
        description=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = pages.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, what in (
        ("held", "show them, red ones first"),
        ("release", "let them go out now, as far as their episodes are still open"),
        ("discard", "cancel them"),
    ):
        one = actions.add_parser(action, help=what)
        if action != "held":
            one.add_argument("pages", type=UUID, nargs="*", metavar="PAGE", help="their ids")
            one.add_argument("--all", action="store_true", help="all that are held")
            one.add_argument("--by", default=getpass.getuser(), help="who decides (this user)")
        one.add_argument("--data", type=Path, metavar="DIR", help="where `yikao serve` keeps them")
    pages.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; exit code 0."""
    with database_errors():
        lines = asyncio.run(_run(database_url(arguments.data), arguments))
    for line in lines:
        print(line)
    return 0


async def _run(dsn: str, arguments: argparse.Namespace) -> list[str]:
    """Return what there is to say."""
    async with await connect(dsn) as conn:
        now, held = await read_clock(conn), await held_pages(conn)
        if arguments.action == "held":
            return [_line(page, now) for page in held] or [NOTHING]
        chosen = _chosen(held, arguments.pages, everything=arguments.all)
        if arguments.action == "discard":
            count = await discard(conn, chosen, arguments.by, now)
            return [f"{count} discarded  已取消 {count} 条"]
        gone = await release(conn, chosen, arguments.by, now)
        rest = len(chosen) - len(gone)
        said = [f"{len(gone)} released  已放行 {len(gone)} 条"]
        if rest:
            said.append(
                f"{rest} not: answered or closed (now cancelled), or older than their link lives"
                f"  {rest} 条未放行：已有人处理，或链接已过期"
            )
        return said


def _chosen(held: Sequence[HeldPage], named: Sequence[UUID], *, everything: bool) -> list[HeldPage]:
    """Return the pages that are meant; refuses with `ServerError` what is not held."""
    if not named and not everything:
        raise ServerError("no page is named", "name some, as `yikao pages held` shows, or --all")
    unknown = set(named) - {page.page_id for page in held}
    if unknown:
        names = ", ".join(sorted(str(page) for page in unknown))
        raise ServerError(f"not held: {names}", "see `yikao pages held`")
    return [page for page in held if everything or page.page_id in named]


def _line(page: HeldPage, now: datetime) -> str:
    urgency = "red  红" if page.red else "today  今日"
    hours = (now - page.created_at).total_seconds() / 3600
    about = f"#{page.episode_id} {page.episode_state}" if page.episode_id else "server"
    return (
        f"{page.page_id}  {urgency}  {hours:.1f} h  {about}  {page.doctor_id or ''} {page.channel}"
    )
