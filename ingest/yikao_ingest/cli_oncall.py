"""`yikao oncall`: who is on call, what changes that, and the proof that somebody can be reached."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

DAYS: Final = 14
"""How far ahead the proof looks, unless told otherwise."""
DAYS_MAX: Final = 366

ABOUT = """\
Who is on call, by rotas that the registry names. What people say on top of a rota is dated and
signed, and is withdrawn at most. 值班：谁接听呼叫；请假、换班、顶班；证明未来每一分钟都有人。

Times without an offset are the centre's own: 2027-02-06T08:00. DOCTOR and ROTA are the registry's
ids.
"""
EXAMPLES = """\
examples:
  who is on call now, and in the next seven days  现在和未来一周谁值班
    yikao oncall now
    yikao oncall week

  Dr Wang is away over New Year, Dr Li stands in  王医生请假，李医生代班
    yikao oncall leave dr-wang 2027-02-05T08:00 2027-02-12T08:00 --substitute dr-li \\
        --by dr-wang --reason 春节

  Dr Wang gives the night of the 20th to Dr Li  换班
    yikao oncall handover huangpu-duty dr-wang dr-li 2027-01-20T18:00 2027-01-21T08:00 \\
        --by dr-wang --reason 家里有事

  somebody as well, instead, or not  加上、改由、去掉
    yikao oncall override huangpu-duty add dr-li 2027-01-20T18:00 2027-01-21T08:00 \\
        --by dr-li --reason 流感高峰

  take one of these back; `yikao oncall said` shows their numbers  撤回
    yikao oncall withdraw leave 3 --by dr-wang

  is somebody reachable at every minute of the next 14 days?  每一分钟都有人吗
    yikao oncall lint

  have a doctor prove each contact, by a test message with a link  验证联系方式
    yikao oncall verify dr-wang

  to and from the calendar of another program  导出、导入日历
    yikao oncall export huangpu-duty duty.ics --days 90
    yikao oncall import huangpu-duty duty.ics --days 90 --by dr-li --reason "年度排班"
"""


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    parser = subcommands.add_parser(
        "oncall",
        help="who is on call; leave, swaps and stand-ins; is somebody always reachable",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _reading(actions)
    _words(actions)
    _calendars(actions)
    verify = _add(actions, "verify", "send a test message to each contact of a doctor")
    verify.add_argument("doctor", metavar="DOCTOR")


def _add(actions: "Subcommands", name: str, what: str) -> argparse.ArgumentParser:
    one = actions.add_parser(name, help=what, description=what)
    one.add_argument("--data", type=Path, metavar="DIR", help="as of `yikao serve`")
    one.add_argument(
        "--language", choices=("zh", "en"), default="zh", help="of what is printed (zh)"
    )
    one.set_defaults(run=_run)
    return one


def _reading(actions: "Subcommands") -> None:
    _add(actions, "now", "who is on call at this moment")
    _add(actions, "week", "who is on call in the next seven days")
    _add(actions, "said", "leave, swaps and stand-ins that count or will, with their numbers")
    lint = _add(actions, "lint", "prove that every step reaches somebody; exit code 1 if not")
    _add_days(lint, DAYS)


def _words(actions: "Subcommands") -> None:
    override = _add(actions, "override", "other people on a rota for a span")
    override.add_argument("rota", metavar="ROTA")
    override.add_argument("kind", choices=("replace", "add", "remove"))
    override.add_argument("doctors", metavar="DOCTOR[,DOCTOR]")
    _add_span(override)
    leave = _add(actions, "leave", "a doctor is away, from every rota and as signed doctor")
    leave.add_argument("doctor", metavar="DOCTOR")
    _add_span(leave)
    leave.add_argument("--substitute", metavar="DOCTOR", help="stands in (the next in order)")
    handover = _add(actions, "handover", "what is the giver's on a rota is the taker's for a span")
    handover.add_argument("rota", metavar="ROTA")
    handover.add_argument("giver", metavar="GIVER")
    handover.add_argument("taker", metavar="TAKER")
    _add_span(handover)
    withdraw = _add(actions, "withdraw", "take back what was said; it stays on record")
    withdraw.add_argument("what", choices=("override", "leave"))
    withdraw.add_argument("number", type=int, metavar="NUMBER")
    withdraw.add_argument("--by", required=True, metavar="DOCTOR", help="who says so")


def _calendars(actions: "Subcommands") -> None:
    export = _add(actions, "export", "a rota's shifts as a calendar (iCalendar)")
    export.add_argument("rota", metavar="ROTA")
    export.add_argument("file", type=Path, metavar="FILE")
    _add_days(export, DAYS)
    take = _add(actions, "import", "a calendar's shifts in the place of a rota's")
    take.add_argument("rota", metavar="ROTA")
    take.add_argument("file", type=Path, metavar="FILE")
    _add_days(take, DAYS)
    _add_signature(take)


def _add_span(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("begin", metavar="FROM", help="2027-02-05T08:00, on the centre's clock")
    parser.add_argument("end", metavar="UNTIL")
    _add_signature(parser)


def _add_signature(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", required=True, metavar="DOCTOR", help="who says so")
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why")


def _add_days(parser: argparse.ArgumentParser, usual: int) -> None:
    parser.add_argument("--days", type=_days, default=usual, metavar="N", help=f"days ({usual})")


def _days(text: str) -> int:
    days = int(text)
    if not 0 < days <= DAYS_MAX:
        raise argparse.ArgumentTypeError(f"write 1 to {DAYS_MAX}")
    return days


def _run(arguments: argparse.Namespace) -> int:
    from yikao_ingest.cli_oncall_commands import run

    return run(arguments)
