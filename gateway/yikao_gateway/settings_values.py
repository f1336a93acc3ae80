"""What each setting may be: a value comes back checked, or `ValueError` says what to write."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

DEFAULT_STATE: Final = "/var/lib/yikao-gateway"
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
SECONDS_MIN: Final = 0.05
SECONDS_MAX: Final = 86_400.0
BACKLOG_ROWS: Final = 500
"""Items of the backlog under way at once, where nobody asks for fewer."""

_NAME: Final = re.compile(r"[^/+#\x00-\x1f]{1,64}")
_RADIO: Final = re.compile(
    r"bluez(:hci[0-9]{1,2}(,hci[0-9]{1,2})*)?|sim:unix:.+|sim:tcp:.+:[0-9]{1,5}"
)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's URL, taken apart."""

    host: str
    port: int
    tls: bool


@dataclass(frozen=True, slots=True)
class PageAddress:
    """Where the page for the people at home is served; port 0 takes any that is free."""

    host: IPv4Address | IPv6Address
    port: int


def name(value: Any) -> str:
    if isinstance(value, str) and _NAME.fullmatch(value):
        return value
    raise ValueError("Write 1 to 64 characters, none of them / + #")


def broker(value: Any) -> BrokerAddress:
    wanted = 'Write "mqtt://HOST:PORT", or "mqtts://HOST:PORT" for TLS'
    if not isinstance(value, str):
        raise ValueError(wanted)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(wanted) from error
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/"):
        raise ValueError(wanted)
    if parts.username or parts.password:
        raise ValueError("Leave user and password out: use username and password_file")
    return BrokerAddress(parts.hostname, port or PORTS[parts.scheme], parts.scheme == "mqtts")


def zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (LookupError, ValueError, TypeError, OSError) as error:
        raise ValueError(
            'Write an IANA zone, "Asia/Shanghai"; where all are unknown install tzdata'
        ) from error


def language(value: Any) -> str:
    if value in ("zh", "en"):
        return str(value)
    raise ValueError('Write "zh" or "en"')


def radio(value: Any) -> str:
    if isinstance(value, str) and _RADIO.fullmatch(value):
        return value
    raise ValueError('Write "bluez", "bluez:hci0,hci1", "sim:unix:PATH" or "sim:tcp:HOST:PORT"')


def pairing(value: Any) -> str:
    if value in ("listed", "mode"):
        return str(value)
    raise ValueError('Write "listed", or "mode" to bond with nobody while pairing mode is closed')


def folder(value: Any) -> Path:
    if isinstance(value, str) and Path(value).is_absolute():
        return Path(value)
    raise ValueError(f'Write an absolute path, "{DEFAULT_STATE}"')


def file(value: Any) -> Path:
    path = folder(value)
    try:
        path.open("rb").close()
    except OSError as error:
        raise ValueError(
            f"Put a file there that the gateway's user can read ({error.strerror})"
        ) from error
    return path


def text(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    raise ValueError("Write a text in double quotes")


def seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (ValueError, TypeError) as error:
        raise ValueError("Write a number of seconds") from error
    if isinstance(value, bool) or not SECONDS_MIN <= seconds <= SECONDS_MAX:
        raise ValueError(f"Write a number of seconds from {SECONDS_MIN} to {SECONDS_MAX:g}")
    return seconds


def rows(value: Any) -> int:
    try:
        rows = int(value)
    except (ValueError, TypeError) as error:
        raise ValueError("Write a whole number") from error
    if isinstance(value, bool) or rows != float(value) or not 1 <= rows <= BACKLOG_ROWS:
        raise ValueError(f"Write a whole number from 1 to {BACKLOG_ROWS}")
    return rows


def page(value: Any) -> PageAddress:
    wanted = 'Write "127.0.0.1:8089", or leave it out for no page'
    try:
        parts = urlsplit(f"//{value}")
        host, port = ip_address(parts.hostname or ""), parts.port
    except ValueError as error:
        raise ValueError(wanted) from error
    if port is None or parts.path or parts.username is not None:
        raise ValueError(wanted)
    return PageAddress(host, port)


def yes_or_no(value: Any) -> bool:
    match value:
        case True | "true":
            return True
        case False | "false":
            return False
    raise ValueError("Write true or false")
