"""`yikao gateway invite`, `withdraw` and `ca`: a gateway gets its certificate with one code."""

import argparse
import getpass
import os
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from yikao_alerts.clock import story_clock
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.settings import CA_DIR, ENROL_URL

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

INVITE_MINUTES: Final = 10
"""For which a code is good: the nurse stands beside the gateway when it is made."""
INVITE_MINUTES_MAX: Final = 24 * 60
INVITE = """\
Makes a code with which a gateway of the registry gets its certificate, once, within a few minutes.
It is shown here and nowhere else; an older code of this gateway ends. `yikao enrol` has to run.
The certificates that the gateway had before are withdrawn when the code is used.
"""
WITHDRAW = """\
Takes nothing from a gateway any more: what it sends goes to quarantine (gateway_withdrawn), it
cannot renew its certificate, and that stands on the list which the broker reads. An invitation with
a new code lets it in again.
"""
CA = f"""\
The institution's own authority: it signs the certificates of gateways and of the broker. Its key
stands in a folder that {CA_DIR} names, for `yikao enrol` and these commands alone.
"""
INIT_DONE = """\
made in {folder}; back ca.key up, and show it to nobody  已建立；请备份 ca.key，并严格保密
next: export {variable}={folder}"""
BROKER_DONE = """\
made broker.crt and broker.key in {folder}, for {hosts}; once a year  已签发，每年一次
mosquitto.conf: cafile {folder}/ca.crt
                certfile {folder}/broker.crt
                keyfile {folder}/broker.key
                crlfile {crl}"""


def add_invite(actions: "Subcommands") -> None:
    """Add `invite`."""
    invite = actions.add_parser(
        "invite", help="make a code with which it gets its certificate", description=INVITE
    )
    invite.add_argument("gateway", metavar="GATEWAY", help="its id in the registry")
    invite.add_argument(
        "--minutes",
        type=_minutes,
        default=INVITE_MINUTES,
        metavar="N",
        help=f"for which it is good ({INVITE_MINUTES})",
    )
    invite.add_argument("--by", default=getpass.getuser(), help="who invites (this user)")
    _add_data(invite)
    invite.set_defaults(run=_invite)


def add_withdraw(actions: "Subcommands") -> None:
    """Add `withdraw`."""
    withdraw = actions.add_parser(
        "withdraw", help="take nothing from it any more", description=WITHDRAW
    )
    withdraw.add_argument("gateway", metavar="GATEWAY", help="its id in the registry")
    _add_data(withdraw)
    withdraw.set_defaults(run=_withdraw)


def add_ca(actions: "Subcommands") -> None:
    """Add `ca`."""
    ca = actions.add_parser("ca", help="the authority that signs certificates", description=CA)
    steps = ca.add_subparsers(dest="step", required=True, metavar="STEP")
    init = steps.add_parser("init", help="make one")
    init.add_argument("folder", type=Path, metavar="DIR", help="where its key is to be")
    init.add_argument("--name", default="Yikao", help="the institution's, for its certificate")
    init.set_defaults(run=_init)
    broker = steps.add_parser("broker", help="a certificate for the broker, for a year")
    broker.add_argument("hosts", nargs="+", metavar="HOST", help="how gateways reach the broker")
    broker.set_defaults(run=_broker)


def _invite(arguments: argparse.Namespace) -> int:
    from yikao_ingest.enrolment.admin import invite
    from yikao_ingest.enrolment.authority import load_authority

    authority, gateway = load_authority(os.environ), arguments.gateway
    with database_errors():
        dsn = database_url(arguments.data)
        made = invite(dsn, authority, gateway, arguments.minutes, arguments.by)
    server = os.environ.get(ENROL_URL) or "https://HOST:PORT"
    print(made.code.text)
    print(f"for {gateway}, once, until {_shown(made.expires_at)}  限用一次，过时作废")
    print(f"at the gateway 在网关上: yikao-gateway enrol --server {server}")
    return 0


def _withdraw(arguments: argparse.Namespace) -> int:
    from yikao_ingest.enrolment.admin import withdraw, write_list
    from yikao_ingest.enrolment.authority import load_authority

    with database_errors():
        dsn = database_url(arguments.data)
        new, count = withdraw(dsn, arguments.gateway)
        said = "withdrawn  已停用" if new else "was withdrawn before  此前已停用"
        print(f"{arguments.gateway} {said}; certificates 证书: {count}", flush=True)
        if not os.environ.get(CA_DIR):
            print(f"{CA_DIR} is not set: `yikao enrol` writes the list  证书列表由 enrol 进程更新")
            return 0
        authority = load_authority(os.environ)
        write_list(dsn, authority)
    print(f"{authority.crl_file}: restart the broker, which hangs up on it  请重启消息代理")
    return 0


def _init(arguments: argparse.Namespace) -> int:
    from yikao_ingest.enrolment.authority import make_authority

    folder = arguments.folder.absolute()
    make_authority(folder, arguments.name, story_clock().at(time.time()))
    print(INIT_DONE.format(folder=folder, variable=CA_DIR))
    return 0


def _broker(arguments: argparse.Namespace) -> int:
    from yikao_ingest.enrolment.authority import load_authority

    authority = load_authority(os.environ)
    authority.write_broker(arguments.hosts, story_clock().at(time.time()))
    hosts, crl = ", ".join(arguments.hosts), authority.crl_file.absolute()
    print(BROKER_DONE.format(folder=authority.folder.absolute(), hosts=hosts, crl=crl))
    return 0


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="of a running `yikao serve`")


def _minutes(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= INVITE_MINUTES_MAX:
        return int(text)
    raise argparse.ArgumentTypeError(f"write 1 to {INVITE_MINUTES_MAX} minutes")


def _shown(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
