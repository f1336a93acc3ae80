"""What each setting may be: a value comes back checked, or `ValueError` says what to write."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

DEFAULT_STATE: Final = "/var/lib/yikao-gateway"
PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
SECONDS_MIN: Final = 0.05
SECONDS_MAX: Final = 86_400.0

_NAME: Final = re.compile(r"[^/+#\x00-\x1f]{1,64}")
_RADIO: Final = re.compile(r"bluez|sim:unix:.+|sim:tcp:.+:[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's URL, taken apart."""

    host: str
    port: int
    tls: bool


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
    raise ValueError('Write "bluez", "sim:unix:PATH" or "sim:tcp:HOST:PORT"')


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
