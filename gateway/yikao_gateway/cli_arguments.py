"""The words of the command line, and what `--help` says about them."""

import argparse
import re
from collections.abc import Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from yikao_devices.models import CATALOGUE
from yikao_devices.symptoms import CALL_ME, SYMPTOM_WORDS, SYMPTOMS
from yikao_gateway.settings_values import DEFAULT_STATE

QUIET_S: Final = 5.0
SCAN_S: Final = 5.0

EPILOG: Final = """\
examples:
  yikao-gateway scan                          what is in the air?
  yikao-gateway collect --once --json         read every device once, print JSON Lines
  yikao-gateway enrol --server https://HOST   get a certificate with a code
  yikao-gateway check --config gateway.toml   is everything ready?
  yikao-gateway run --config gateway.toml     the gateway itself
  yikao-gateway decode 2A35 167c0056006100e807060f11111b33000000

exit codes: 0 done; 1 something outside is not as it should be; 2 wrong usage or settings
"""
RUN_EPILOG: Final = """\
Settings are those of FILE; each can be overridden by YIKAO_GATEWAY_ and its name in capitals, for
example YIKAO_GATEWAY_BROKER_URL. What the people at home shall see is printed on standard output,
one JSON object a line; the log goes to standard error. Where `page` names an address a page at home
shows it too: http://127.0.0.1:8089 with page = "127.0.0.1:8089". With station = true many use the
cuff, and hold their cards before a reader that types into the page. SIGTERM ends it in order.
"""
COLLECT_EPILOG: Final = """\
examples:
  yikao-gateway collect --once --json
  yikao-gateway collect --once --json --radio sim:unix:air.sock > readings.jsonl
  yikao-gateway collect --once --passkey C4:1D:00:00:00:2A=123456

Readings, events and refused frames are printed as they travel, one JSON object a line; what is
said to people goes to standard error. Exit 1: no Bluetooth, or nowhere to store.
"""
CALL_EPILOG: Final = """\
For a button at home: whatever it is wired to runs this. Without --device the call is for everybody
whose devices this gateway reads. What is answered is shown by the running gateway. Each call
counts; it is kept until the server has it, and a late one calls a doctor all the same.
"""
DECODE_EPILOG: Final = """\
characteristics: 2A08, 2A18, 2A2B, 2A34, 2A35, 2A49, 2A51, 2A52

examples:
  yikao-gateway decode 2A35 167c0056006100e807060f11111b33000000
  yikao-gateway decode 2A35 566a0047000000ea07080b121f00003f000000 --model beurer-bm85

Fields are those of the frame, in its own units; one that the frame does not have is absent.
A frame that its characteristic cannot mean: exit 1, and {"error": ..., "frame": ...}.
"""
ENROL_EPILOG: Final = """\
The code is made at the server (`yikao gateway invite`) and good once, for a few minutes. It is
asked for; `--code -` takes it from standard input. Interrupted anywhere, run it again with the same
code. The code says by which authority the server proves itself; --ca is for a server behind a proxy
with another certificate (a file in PEM, /etc/ssl/certs/ca-certificates.crt for a public one).
Stop the gateway before, and start it again afterwards.
"""
REPORT_EPILOG: Final = "symptoms:\n" + "\n".join(
    f"  {code:<28} {words.zh}; {words.en}"
    for code, words in SYMPTOM_WORDS.items()
    if code != CALL_ME
)


class _Commands:
    """Adds commands to a parser, all in one way. `run` is `module:function`, imported later."""

    def __init__(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        self._actions = parser.add_subparsers(required=True, metavar="COMMAND")
        self._radio = environment.get("YIKAO_GATEWAY_RADIO", "bluez")

    def add(self, name: str, run: str, does: str, epilog: str = "") -> argparse.ArgumentParser:
        parser = self._actions.add_parser(
            name,
            help=does,
            description=f"{does[0].upper()}{does[1:]}.",
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(run=run)
        return parser

    def with_config(
        self, name: str, run: str, does: str, epilog: str = ""
    ) -> argparse.ArgumentParser:
        parser = self.add(name, run, does, epilog)
        parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="settings")
        return parser

    def with_radio(
        self, name: str, run: str, does: str, epilog: str = ""
    ) -> argparse.ArgumentParser:
        parser = self.add(name, run, does, epilog)
        parser.add_argument(
            "--radio",
            default=self._radio,
            metavar="SPEC",
            help=f"bluez, sim:unix:PATH or sim:tcp:HOST:PORT (default {self._radio})",
        )
        return parser


def build_parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="yikao-gateway",
        description="Reads blood-pressure cuffs and glucose meters and hands their readings on.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = _Commands(parser, environment)
    commands.with_config("run", "cli_run:run", "the gateway: read, keep, hand on", RUN_EPILOG)
    commands.with_config("check", "cli_check:run", "say what is ready and what is not")
    _add_enrol(commands, environment)
    _add_scan(commands)
    _add_collect(commands)
    _add_outbox(commands)
    _add_report(commands)
    call = commands.with_config(
        "call-me", "cli_state:call_me", "ask the doctor to call back", CALL_EPILOG
    )
    call.add_argument("--device", type=str.upper, metavar="ADDRESS", help="of whoever asks")
    commands.with_config("key", "cli_state:key", "print the key line for the server's registry")
    _add_decode(commands)
    return parser


def _add_enrol(commands: _Commands, environment: Mapping[str, str]) -> None:
    does = "get a certificate with a code of the server's operator"
    parser = commands.add("enrol", "cli_enrol:run", does, ENROL_EPILOG)
    parser.add_argument("--server", required=True, metavar="URL", help="https://HOST:PORT")
    parser.add_argument("--code", metavar="CODE", help="the code, or - for standard input")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="authorities of a proxy's name")
    state = environment.get("YIKAO_GATEWAY_STATE_DIR") or DEFAULT_STATE
    parser.add_argument(
        "--state",
        type=Path,
        default=Path(state),
        metavar="DIR",
        help=f"state_dir of the gateway's settings ({state})",
    )


def _add_scan(commands: _Commands) -> None:
    parser = commands.with_radio("scan", "cli_collect:scan", "list the devices in the air")
    parser.add_argument(
        "--seconds", type=_positive, default=SCAN_S, metavar="N", help="default %(default)g"
    )


def _add_collect(commands: _Commands) -> None:
    does = "read every device in the air and print what they hold"
    parser = commands.with_radio("collect", "cli_collect:collect", does, COLLECT_EPILOG)
    parser.add_argument("--once", action="store_true", help="end when every device has been read")
    parser.add_argument("--json", action="store_true", help="JSON Lines as on the wire")
    parser.add_argument(
        "--seconds",
        type=_positive,
        default=QUIET_S,
        metavar="N",
        help="with --once: end after so long without a new device (default %(default)g)",
    )
    parser.add_argument(
        "--timezone", type=_zone, metavar="NAME", help="of the devices' clocks (this machine's)"
    )
    parser.add_argument(
        "--passkey",
        action="append",
        default=[],
        type=_passkey,
        metavar="N|ADDRESS=N",
        help="the six digits a device shows when it pairs; may be repeated",
    )
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="for outbox and bonds (a temporary folder)"
    )


def _add_outbox(commands: _Commands) -> None:
    does = "say what was read and what the server has"
    parser = commands.with_config("outbox", "cli_state:outbox", does)
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.add_argument(
        "--resend-rejected",
        action="store_true",
        help="offer again what the server refused, after its cause was mended",
    )


def _add_report(commands: _Commands) -> None:
    does = "report what a resident feels"
    parser = commands.with_config("report", "cli_state:report", does, REPORT_EPILOG)
    parser.add_argument("--device", required=True, type=str.upper, metavar="ADDRESS")
    parser.add_argument(
        "symptoms", nargs="+", choices=sorted(SYMPTOMS - {CALL_ME}), metavar="SYMPTOM"
    )


def _add_decode(commands: _Commands) -> None:
    parser = commands.add("decode", "cli_decode:run", "one frame as JSON", DECODE_EPILOG)
    parser.add_argument("characteristic", help="its 16-bit number, for example 2A35")
    parser.add_argument("hex", help="the bytes, two digits each; blanks, colons, dashes allowed")
    models = ", ".join(model.name for model in CATALOGUE)
    parser.add_argument("--model", metavar="M", help=f"decode as this model sends it: {models}")


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return value


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise argparse.ArgumentTypeError(
            f"{name!r} is no time zone: write it as Asia/Shanghai"
        ) from error


def _passkey(text: str) -> tuple[str | None, int]:
    address, _, digits = text.rpartition("=")
    if not re.fullmatch(r"[0-9]{1,6}", digits):
        raise argparse.ArgumentTypeError(f"{text!r}: a passkey has up to six digits")
    return address.upper() or None, int(digits)
