"""`yikao gateway`: the machines beside the residents, all that a person does about them."""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from yikao_ingest.cli_gateway_certificates import add_ca, add_invite, add_withdraw
from yikao_ingest.cli_gateway_configuration import add_configure, add_show

if TYPE_CHECKING:
    Subcommands = argparse._SubParsersAction[argparse.ArgumentParser]

ABOUT = """\
What a gateway is told to do differently, and how all of them are. What stands in a gateway's own
settings is never changed from here; keys, files and addresses are not among what can be.
"""
EXAMPLES = """\
examples:
  which version has each, when was it heard, what does it do?
    yikao gateway show --all

  one that loses its cuff: let it say more for two hours, at once, without a restart
    yikao gateway configure gw-0001 --log-level debug --for 2h

  one behind a narrow line: the backlog leaves room for what is new
    yikao gateway configure gw-0001 --backlog 20
    yikao gateway show gw-0001

  an authority, a certificate for the broker, and a code for a gateway of the registry
    yikao gateway ca init /var/lib/yikao-authority
    YIKAO_CA_DIR=/var/lib/yikao-authority yikao gateway ca broker broker.example.org
    YIKAO_CA_DIR=/var/lib/yikao-authority yikao gateway invite gw-0001

  it was lost, or thrown away
    yikao gateway withdraw gw-0001
"""
ACTIONS: Final[tuple[Callable[["Subcommands"], None], ...]] = (
    add_show,
    add_configure,
    add_invite,
    add_withdraw,
    add_ca,
)
"""Each adds one action, with its own `run`."""


def register(subcommands: "Subcommands") -> None:
    """Add the command."""
    gateway = subcommands.add_parser(
        "gateway",
        help="gateways: how they are, what they are told to do, their certificates",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = gateway.add_subparsers(dest="action", required=True, metavar="ACTION")
    for add in ACTIONS:
        add(actions)
