"""How the watchdog is set up: its own key, its own ear, and its own way to operations.

It shares nothing with the pager but the database it reads and the broker it speaks to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from yikao_alerts.channels.addresses import is_http
from yikao_alerts.channels.channel import Channel
from yikao_alerts.compose import LANGUAGES
from yikao_ingest.errors import ServerError
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    SECRET_BYTES,
    WATCH_CHANNEL,
    WATCH_KEY_FILE,
    WATCH_LANGUAGE,
    WATCH_LISTEN,
    WATCH_PING_URL,
    channels,
    required,
    secret,
)
from yikao_ingest.watch.sink import sink_url

DEFAULT_LISTEN: Final = "127.0.0.1:8094"


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Where the watchdog speaks, listens and calls."""

    database_url: str
    broker_url: str
    key: bytes
    sink: str
    channel: Channel
    address: str
    language: str
    ping_url: str | None


def canary_key(environ: Mapping[str, str]) -> bytes:
    """Return the canary gateway's key; refuses with `ServerError` one of another length."""
    key = secret(environ, WATCH_KEY_FILE)
    if len(key) != SECRET_BYTES:
        path = Path(environ[WATCH_KEY_FILE])
        raise ServerError(
            f"{WATCH_KEY_FILE}={path} has {len(key)} bytes",
            f"make it anew: head -c {SECRET_BYTES} /dev/urandom > {path}",
        )
    return key


def sink_of(environ: Mapping[str, str], key: bytes) -> str:
    """Return the sink's address; refuses with `ServerError` a place to listen that is none."""
    listen = environ.get(WATCH_LISTEN) or DEFAULT_LISTEN
    try:
        parts = urlsplit(f"//{listen}")
        good = bool(parts.hostname and parts.port)
    except ValueError:
        good = False
    if not good:
        raise ServerError(f"{WATCH_LISTEN}={listen} is not of the form HOST:PORT", "mend it")
    return sink_url(listen, key)


def watch_settings(environ: Mapping[str, str]) -> WatchSettings:
    """Return the settings; refuses with `ServerError` what is missing or malformed."""
    key = canary_key(environ)
    name, _, address = required(environ, WATCH_CHANNEL).partition(":")
    known = channels(environ)
    if name not in known or not address:
        raise ServerError(
            f"{WATCH_CHANNEL} names no channel with an address",
            f"write CHANNEL:ADDRESS, the channel one of {', '.join(sorted(known))}",
        )
    language = environ.get(WATCH_LANGUAGE) or LANGUAGES[0]
    if language not in LANGUAGES:
        raise ServerError(f"{WATCH_LANGUAGE}={language}", f"use one of {', '.join(LANGUAGES)}")
    ping_url = environ.get(WATCH_PING_URL) or None
    if ping_url is not None and not is_http(ping_url):
        raise ServerError(f"{WATCH_PING_URL} is no http(s) address", "write https://HOST/PATH")
    return WatchSettings(
        required(environ, DATABASE_URL),
        required(environ, BROKER_URL),
        key,
        sink_of(environ, key),
        known[name],
        address,
        language,
        ping_url,
    )
