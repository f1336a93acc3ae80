"""What `yikao check` asks the broker: does it speak MQTT 5, and what does it grant?

It is connected to as ingest does it, under a name of its own: under ingest's, the running one would
be put out. Nothing is subscribed to. MQTT 5.0 (OASIS), sections 3.1 and 3.2.

With `subscriber.py` and the watchdog's `publisher.py` the only files that know paho.
"""

import os
import re
import time
from pathlib import Path
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from yikao_ingest.check import OK, Found, Place
from yikao_ingest.embedded.broker_engines import MESSAGE_MAX_BYTES
from yikao_ingest.errors import ServerError
from yikao_ingest.settings import BROKER_URL, broker_address
from yikao_ingest.subscriber import SESSION_EXPIRY_S

ANSWER_MAX_S: Final = 3.0
LOOK_S: Final = 0.1
NO_LIMIT: Final = 2**28
"""Longest packet there is, in bytes: the broker's silence means this."""
WRITTEN: Final = re.compile(
    r'^listener (?P<port>\d+) (?P<host>\S+)$|^listen = "(?P<host2>[^":]+):(?P<port2>\d+)"$', re.M
)
"""Where the two embedded brokers are told to listen."""

Granted = dict[str, object]
"""What the broker grants: `packet_bytes`, `qos`, `session_s`, `shared`."""


class _NoAnswerError(Exception):
    """The broker does not take us; its text is the reason."""


def broker(place: Place) -> Found:
    """Does the broker answer, and will it do?"""
    url = place.environ.get(BROKER_URL)
    try:
        address = broker_address(url) if url else embedded_address(place.data / "broker")
    except ServerError as error:
        return Found("broker", "faulty", {"reason": error})
    if address is None:
        return Found("broker", "absent", {"folder": place.data / "broker"})
    host, port = address
    facts: dict[str, object] = {"host": host, "port": port, "needed": MESSAGE_MAX_BYTES}
    try:
        granted = ask(host, port)
    except OSError as error:
        return Found("broker", "away", facts | {"reason": error.strerror or error})
    except _NoAnswerError as error:
        return Found("broker", "refuses", facts | {"reason": error})
    return Found("broker", judged(granted), facts | granted)


def judged(granted: Granted) -> str:
    """Return what is wrong with what the broker grants, or `OK`. Pure."""
    if granted["qos"] == 0:
        return "no_qos"
    if int(str(granted["packet_bytes"])) < MESSAGE_MAX_BYTES:
        return "short"
    return OK


def embedded_address(folder: Path) -> tuple[str, int] | None:
    """Return where the broker of `yikao serve` was told to listen last; None if there was none."""
    for file in (folder / "mosquitto.conf", folder / "iotcore.toml"):
        if file.exists() and (found := WRITTEN.search(file.read_text("utf-8"))):
            return found["host"] or found["host2"], int(found["port"] or found["port2"])
    return None


def ask(host: str, port: int) -> Granted:
    """Connect, and return what is granted; raises `OSError` or `_NoAnswerError`."""
    heard: list[tuple[Any, Any]] = []
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2, client_id=f"yikao-check-{os.getpid()}", protocol=mqtt.MQTTv5
    )
    client.connect_timeout = ANSWER_MAX_S
    client.on_connect = lambda _client, _data, _flags, reason, says: heard.append((reason, says))
    wish = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
    wish.SessionExpiryInterval = SESSION_EXPIRY_S
    client.connect(host, port, clean_start=True, properties=wish)
    until_s = time.monotonic() + ANSWER_MAX_S
    while not heard and time.monotonic() < until_s:
        if client.loop(LOOK_S) != mqtt.MQTT_ERR_SUCCESS:
            break
    # The session was asked for to hear how long it would be kept; it is not wanted.
    farewell = Properties(PacketTypes.DISCONNECT)  # type: ignore[no-untyped-call]
    farewell.SessionExpiryInterval = 0
    client.disconnect(properties=farewell)
    if not heard:
        raise _NoAnswerError("it says nothing in MQTT")
    ((reason, says),) = heard
    if reason.is_failure:
        raise _NoAnswerError(str(reason))
    return {
        "packet_bytes": getattr(says, "MaximumPacketSize", NO_LIMIT),
        "qos": getattr(says, "MaximumQoS", 2),
        "session_s": getattr(says, "SessionExpiryInterval", SESSION_EXPIRY_S),
        "shared": bool(getattr(says, "SharedSubscriptionAvailable", 1)),
    }
