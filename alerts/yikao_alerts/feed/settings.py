"""How the feed is set up: where it listens, who may read it, and the secret of its page links.

Read from the environment; secrets come from files. What would expose residents' data is refused
before anything listens: without a users file the feed is reached from this machine only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from yikao_alerts.channels.wecom_seal import Seal
from yikao_alerts.feed.channels_file import sms_token
from yikao_alerts.feed.errors import FeedError
from yikao_alerts.feed.settings_wecom import wecom_seal

HOST: Final = "YIKAO_FEED_HOST"
PORT: Final = "YIKAO_FEED_PORT"
USERS_FILE: Final = "YIKAO_FEED_USERS_FILE"
DATABASE_URL: Final = "YIKAO_DATABASE_URL"
LINK_SECRET_FILE: Final = "YIKAO_LINK_SECRET_FILE"

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8321
PORT_MAX: Final = 65535
SECRET_BYTES_MIN: Final = 16
"""128 bits: a shorter secret could be guessed, and with it every page link."""


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Everything `create_app` and `run` need; `port` 0 lets the machine choose a free one."""

    database_url: str
    link_secret: bytes = field(repr=False)
    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    users_file: Path | None = None
    wecom: Seal | None = None
    """Opens what WeCom tells of its cards; without it nothing of that kind is listened to."""
    sms_token: str = field(default="", repr=False)
    """Ends the address that answers by text message come to; without it none is listened to."""

    def __post_init__(self) -> None:
        if len(self.link_secret) < SECRET_BYTES_MIN:
            raise FeedError(
                f"the secret of page links has fewer than {SECRET_BYTES_MIN} bytes",
                f"put 32 random bytes into the file that {LINK_SECRET_FILE} names",
            )
        if self.users_file is None and not is_loopback(self.host):
            raise FeedError(
                f"the feed shows residents' data and would listen on {self.host} "
                "to anybody without a password",
                f"name a users file in {USERS_FILE} (`yikao feed --add-user`), "
                f"or set {HOST}={DEFAULT_HOST}",
            )


def feed_settings(environ: Mapping[str, str]) -> FeedSettings:
    """Return the settings in `environ`; refuses with `FeedError` what is missing or unsafe."""
    users_file = environ.get(USERS_FILE)
    return FeedSettings(
        database_url=_required(environ, DATABASE_URL, "set it to postgresql://…"),
        link_secret=_secret(environ),
        host=environ.get(HOST) or DEFAULT_HOST,
        port=_port(environ.get(PORT) or str(DEFAULT_PORT)),
        users_file=Path(users_file) if users_file else None,
        wecom=wecom_seal(environ),
        sms_token=sms_token(environ),
    )


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _required(environ: Mapping[str, str], name: str, remedy: str) -> str:
    value = environ.get(name)
    if not value:
        raise FeedError(f"{name} is not set", remedy)
    return value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > PORT_MAX:
        raise FeedError(f"{PORT}={text!r} is no port", f"give a number from 0 to {PORT_MAX}")
    return int(text)


def _secret(environ: Mapping[str, str]) -> bytes:
    path = Path(_required(environ, LINK_SECRET_FILE, "name a file with 32 random bytes"))
    try:
        return path.read_bytes()
    except OSError as error:
        raise FeedError(
            f"the secret of page links cannot be read from {path}: {error.strerror}",
            f"mend the file, or let {LINK_SECRET_FILE} name another",
        ) from error
