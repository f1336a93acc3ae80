"""The watchdog's own connection to the broker: it speaks as a gateway does, and hears nothing.

Beside `subscriber.py` the only file of the server that knows paho.
"""

import logging
from typing import Any, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from yikao_ingest.settings import broker_address
from yikao_ingest.watch.canary import CODE, Sealed

log = logging.getLogger(__name__)

KEEPALIVE_S: Final = 10
"""Short: a broker that hangs is noticed before the next beat but one."""
RECONNECT_MAX_S: Final = 2


class Publisher:
    """Connected in the background from `start` to `stop`."""

    def __init__(self, url: str) -> None:
        self._host, self._port = broker_address(url)
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=CODE, protocol=mqtt.MQTTv5
        )
        self._client.reconnect_delay_set(1, RECONNECT_MAX_S)
        self._client.on_disconnect = self._on_disconnect

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._client.is_connected()

    def start(self) -> None:
        """Connect, and stay connected."""
        self._client.connect_async(self._host, self._port, keepalive=KEEPALIVE_S, clean_start=True)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, message: Sealed) -> bool:
        """Publish; return whether the connection took it. Nothing is kept for a broker's return:
        an old beat proves nothing."""
        if not self.connected:
            return False
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho's own
        properties.UserProperty = list(message.properties)
        info = self._client.publish(message.topic, message.payload, qos=1, properties=properties)
        return info.rc == mqtt.MQTT_ERR_SUCCESS

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, props: Any) -> None:
        log.warning("watchdog: broker away", extra={"reason": str(reason)})
