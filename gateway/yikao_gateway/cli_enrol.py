"""`yikao-gateway enrol`: get a certificate with the code that the server's operator has made."""

import argparse
import getpass
import sys
from typing import Final

from yikao_devices.claim_code import TEXT_MAX, ClaimCode, ClaimCodeError, parse_code
from yikao_gateway.cli_settings import say
from yikao_gateway.enrolment.enrol import enrol
from yikao_gateway.enrolment.folder import hand_over
from yikao_gateway.enrolment.https import server_at
from yikao_gateway.errors import (
    EnrolmentError,
    EnrolmentRefused,
    KeyFileError,
    ServerUnreachable,
    StorageError,
)
from yikao_gateway.keys import load_key
from yikao_gateway.state import make_folder

TROUBLE: Final = (
    ServerUnreachable,
    EnrolmentRefused,
    EnrolmentError,
    StorageError,
    KeyFileError,
    OSError,
)
ASKED: Final = "注册码 code of this gateway: "
DONE: Final = """\
enrolled 已注册: gateway {gateway} of {tenant}
broker 消息代理: {broker}
certificate until 证书有效期至: {until:%Y-%m-%d}
renewed by itself from 自动续期，始于: {due:%Y-%m-%d}
next 下一步: yikao-gateway check --config FILE"""


def run(arguments: argparse.Namespace) -> int:
    """Enrol; return the exit code."""
    try:
        server, code = server_at(arguments.server), _code(arguments.code)
    except ValueError as error:
        return say(error, 2)
    try:
        trust = arguments.ca.read_bytes() if arguments.ca else None
        make_folder(arguments.state)
        signing = load_key(arguments.state)
        facts, certificate = enrol(arguments.state, signing, server, code, trust)
        hand_over(arguments.state)
    except TROUBLE as error:
        return say(error, 1)
    print(
        DONE.format(
            gateway=facts.gateway,
            tenant=facts.tenant,
            broker=facts.broker_url,
            until=certificate.ends.astimezone(),
            due=certificate.due_at.astimezone(),
        )
    )
    return 0


def _code(given: str | None) -> ClaimCode:
    """Return the code: asked for, unless it is given, or stands on standard input."""
    if given == "-":
        return parse_code(sys.stdin.readline(TEXT_MAX + 1))
    if given is not None:
        return parse_code(given)
    try:
        return parse_code(getpass.getpass(ASKED))
    except EOFError as error:
        raise ClaimCodeError("no code was given") from error
