"""The two MQTT brokers that can be embedded, and the configuration each is given.

mosquitto (https://mosquitto.org/man/mosquitto-conf-5.html) where it is installed; otherwise
iotcore, which comes with Yikao as a Python package and is rumqttd 0.20 inside. Both speak MQTT 5.
Both may forget what they acknowledged when the power goes: a gateway therefore keeps each reading
until the server's own receipt, and the broker's memory is a convenience.
"""

import importlib.util
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from yikao_ingest.embedded.errors import NoServerError

MESSAGE_MAX_BYTES = 256 * 1024
"""A message of 100 readings has about 30 kB. mosquitto refuses a longer one than this in its PUBACK
(`max_packet_size` would close the connection, as iotcore does)."""
INFLIGHT_MAX = 500
"""Messages sent to a client and not yet acknowledged: the Receive Maximum that ingest asks for."""
CONNECTIONS_MAX = 10_000
SAVE_EVERY_S = 5
"""mosquitto rewrites its whole store so often. Not after so many changes: what waited while a
database was away for ten minutes is 400 MB, and every 100 messages were followed by all of it."""
SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where packages put mosquitto, and where an ordinary user's PATH does not lead."""

MOSQUITTO = """\
# Written by Yikao at every start.
listener {port} {host}
{user}allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes false
autosave_interval {save_every_s}
max_queued_messages 0
max_inflight_messages {inflight}
message_size_limit {message_bytes}
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
log_timestamp_format %Y-%m-%dT%H:%M:%S
"""
IOTCORE = """\
# Written by Yikao at every start.
id = 0

[router]
id = 0
max_connections = {connections}
max_outgoing_packet_count = {inflight}
max_segment_size = 104857600
max_segment_count = 10

[v5.1]
name = "loopback"
listen = "{host}:{port}"
next_connection_delay_ms = 0

[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = {message_bytes}
max_inflight_count = {inflight}
# Topics are made by whoever subscribes first, not listed here.
dynamic_filters = true
"""


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a broker listens, and the folder it keeps its files in."""

    folder: Path
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Engine:
    """A broker program: its command line, which ends with a configuration file, and that file."""

    name: str
    file_name: str
    command: tuple[str, ...]
    configure: Callable[[Listener], str]


def mosquitto(path: str | None = None) -> Engine | None:
    """Return mosquitto if it is on `path` (default: PATH) or where packages put it."""
    searched = os.pathsep.join((path if path is not None else os.environ.get("PATH", ""), *SBIN))
    program = shutil.which("mosquitto", path=searched)
    if program is None:
        return None
    return Engine("mosquitto", "mosquitto.conf", (program, "-c"), _mosquitto_configuration)


def iotcore() -> Engine | None:
    """Return iotcore if its package is installed."""
    if importlib.util.find_spec("iotcore") is None:
        return None
    # -P: a folder called iotcore in the working directory must not stand in for the package.
    command = (sys.executable, "-P", "-m", "yikao_ingest.embedded.iotcore_broker")
    return Engine("iotcore", "iotcore.toml", command, _iotcore_configuration)


def find_engine() -> Engine:
    """Return the broker to embed, mosquitto before iotcore; refuse with `NoServerError`."""
    engine = mosquitto() or iotcore()
    if engine is None:
        raise NoServerError(
            f"no MQTT broker here (looked for mosquitto on PATH and in {', '.join(SBIN)}, "
            "and for the Python package iotcore)",
            "install one with `apt install mosquitto` or `pip install iotcore`, "
            "or set YIKAO_BROKER_URL",
        )
    return engine


def _mosquitto_configuration(listener: Listener) -> str:
    # Started by root it becomes the user mosquitto, who may not enter a private folder of root's.
    user = "user root\n" if os.geteuid() == 0 else ""
    return MOSQUITTO.format(
        port=listener.port,
        host=listener.host,
        user=user,
        folder=listener.folder,
        save_every_s=SAVE_EVERY_S,
        inflight=INFLIGHT_MAX,
        message_bytes=MESSAGE_MAX_BYTES,
    )


def _iotcore_configuration(listener: Listener) -> str:
    return IOTCORE.format(
        port=listener.port,
        host=listener.host,
        connections=CONNECTIONS_MAX,
        inflight=INFLIGHT_MAX,
        message_bytes=MESSAGE_MAX_BYTES,
    )
