"""How the server's processes are set up: from the environment, secrets from files.

`yikao serve` fills in what is not set: an embedded database and broker, and secrets of its own in
the data folder. Each role by itself (`yikao ingest`, `pager`, …) needs what it uses to be given.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from yikao_alerts.channels.channel import Channel
from yikao_alerts.channels.console import Console
from yikao_alerts.channels.smtp import Smtp, SmtpServer
from yikao_alerts.channels.webhook import Webhook
from yikao_alerts.feed.channels_file import CHANNELS_FILE
from yikao_alerts.feed.settings import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    HOST,
    LINK_SECRET_FILE,
    PORT,
)
from yikao_alerts.store import Linking
from yikao_ingest.errors import ServerError
from yikao_ingest.settings_channels import channels_of_file

DATABASE_URL: Final = "YIKAO_DATABASE_URL"
BROKER_URL: Final = "YIKAO_BROKER_URL"
PUBLIC_URL: Final = "YIKAO_PUBLIC_URL"
WEBHOOK_SECRET_FILE: Final = "YIKAO_WEBHOOK_SECRET_FILE"
SMTP_URL: Final = "YIKAO_SMTP_URL"
SMTP_PASSWORD_FILE: Final = "YIKAO_SMTP_PASSWORD_FILE"
SMTP_SENDER: Final = "YIKAO_SMTP_SENDER"
SHADOW_RULES: Final = "YIKAO_SHADOW_RULES"
WATCH_KEY_FILE: Final = "YIKAO_WATCH_KEY_FILE"
WATCH_LISTEN: Final = "YIKAO_WATCH_LISTEN"
WATCH_CHANNEL: Final = "YIKAO_WATCH_CHANNEL"
WATCH_LANGUAGE: Final = "YIKAO_WATCH_LANGUAGE"
WATCH_PING_URL: Final = "YIKAO_WATCH_PING_URL"
METRICS_LISTEN: Final = "YIKAO_METRICS_LISTEN"
INGEST_SHARE: Final = "YIKAO_INGEST_SHARE"
RETENTION_DAYS: Final = "YIKAO_RETENTION_DAYS"
CA_DIR: Final = "YIKAO_CA_DIR"
CRL_FILE: Final = "YIKAO_CRL_FILE"
ENROL_LISTEN: Final = "YIKAO_ENROL_LISTEN"
ENROL_URL: Final = "YIKAO_ENROL_URL"
ENROL_BROKER_URL: Final = "YIKAO_ENROL_BROKER_URL"
READY_FILE: Final = "YIKAO_READY_FILE"
"""Set by whoever starts a role and waits for it: the role makes this file when it works."""

SECRET_BYTES: Final = 32
SECRET_BYTES_MIN: Final = 16
BROKER_PORT: Final = 1883
_TLS: Final = {"smtp": "none", "smtp+starttls": "starttls", "smtps": "implicit"}
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_SMTP_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@cache
def meanings(language: str) -> Mapping[str, str]:
    """Return what each setting means, in `zh` or `en`: by variable, in the order to tell them."""
    file = resources.files("yikao_ingest").joinpath("text/settings.toml")
    every = tomllib.loads(file.read_text("utf-8"))
    return {variable: meaning[language] for variable, meaning in every.items()}


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where an embedded server keeps its data unless told otherwise."""
    base = environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "yikao"


def required(environ: Mapping[str, str], name: str) -> str:
    """Return a setting; refuses with `ServerError` one that is not there."""
    value = environ.get(name)
    if not value:
        remedy = f"set it ({meanings('en')[name]}), or run `yikao serve`, which brings its own"
        raise ServerError(f"{name} is not set", remedy)
    return value


def broker_address(url: str) -> tuple[str, int]:
    """Return host and port of the broker; refuses with `ServerError` any other kind of address."""
    parts = _split(BROKER_URL, url)
    if parts.scheme != "mqtt" or not parts.hostname:
        raise ServerError(f"{BROKER_URL} is not of the form mqtt://HOST:PORT", "mend it")
    return parts.hostname, parts.port or BROKER_PORT


def _split(name: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        # Read for its check alone: a port that is no number.
        _ = parts.port
    except ValueError as error:
        raise ServerError(f"{name} is no address, {error}", "mend it") from error
    return parts


def secret(environ: Mapping[str, str], name: str) -> bytes:
    """Return the content of the secret file that `name` names; refuses one that can be guessed."""
    path = Path(required(environ, name))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ServerError(
            f"{name}={path} cannot be read, {error.strerror}", "mend the file or name another"
        ) from error
    if len(content) < SECRET_BYTES_MIN:
        raise ServerError(
            f"{name}={path} has {len(content)} bytes, which can be guessed",
            f"put {SECRET_BYTES} random ones into it",
        )
    return content


def make_secret(path: Path) -> None:
    """Make a secret that only this user can read, unless it is there already."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        return
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(SECRET_BYTES))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def linking(environ: Mapping[str, str]) -> Linking:
    """Return how page links are made."""
    host, port = environ.get(HOST) or DEFAULT_HOST, environ.get(PORT) or str(DEFAULT_PORT)
    url = environ.get(PUBLIC_URL) or f"http://{host}:{port}"
    return Linking(url.rstrip("/"), secret(environ, LINK_SECRET_FILE))


@dataclass(frozen=True, slots=True)
class _PasswordFile:
    """Reads a password when it is needed, so that it stands in no variable for long."""

    path: Path

    def __call__(self) -> str:
        return self.path.read_text("utf-8").strip()


def channels(environ: Mapping[str, str]) -> dict[str, Channel]:
    """Return the channels that are set up, by the names contacts use."""
    found: dict[str, Channel] = {
        "console": Console(),
        "webhook": Webhook(secret(environ, WEBHOOK_SECRET_FILE)),
        # The watchdog's machine, spoken to as anybody's.
        "sink": Webhook(secret(environ, WEBHOOK_SECRET_FILE)),
    }
    if url := environ.get(SMTP_URL):
        found["smtp"] = Smtp(_smtp(environ, url))
    if environ.get(CHANNELS_FILE):
        found |= channels_of_file(environ, secret(environ, LINK_SECRET_FILE))
    return found


def _smtp(environ: Mapping[str, str], url: str) -> SmtpServer:
    parts = _split(SMTP_URL, url)
    if parts.scheme not in _TLS or not parts.hostname or parts.password:
        raise ServerError(
            f"{SMTP_URL} is not of the form smtps://user@HOST:PORT",
            f"use one of {', '.join(_TLS)}, and put the password into {SMTP_PASSWORD_FILE}",
        )
    if parts.scheme == "smtp" and parts.hostname not in _LOOPBACK:
        raise ServerError(
            f"{SMTP_URL} would send pages and password in the clear to {parts.hostname}",
            "use smtp+starttls:// or smtps://; smtp:// is for this machine alone",
        )
    password_file = environ.get(SMTP_PASSWORD_FILE)
    return SmtpServer(
        parts.hostname,
        parts.port or _SMTP_PORTS[parts.scheme],
        environ.get(SMTP_SENDER) or f"yikao@{parts.hostname}",
        _TLS[parts.scheme],
        unquote(parts.username) if parts.username else None,
        _PasswordFile(Path(password_file)) if password_file else None,
    )
