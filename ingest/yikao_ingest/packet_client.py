"""paho's client, reading and writing many packets at a time.

By itself it asks the socket three times for each packet and waits for it in between, takes longer
for the properties of a message than ingest for all the rest, and wakes itself up for each answer.
All that is protocol stays its own. The methods taken over are not public: tests hold them against
real brokers, and the version of paho is bounded.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode

from yikao_ingest.publish_packet import PUBACK, Packet, read_publish

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

READ_BYTES: Final = 256 * 1024
"""Most that is read from the socket at once."""


class PacketClient(mqtt.Client):
    """A client that gives each message of QoS 0 or 1 to `heard`, in its own thread."""

    heard: Callable[[Packet], None]
    _read: bytes = b""
    _at: int = 0
    """What was read from the socket, and how much of it was taken."""
    _may_read: bool = False
    """Once in a round: between two rounds paho writes, and sees to the connection."""

    def send(self, packets: bytes) -> bool:
        """Send whole packets that ask for no answer; return whether the connection took them."""
        return self.is_connected() and not self._packet_queue(PUBACK, packets, 0, 0)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Take what the socket has, and all packets in it."""
        self._may_read = True
        code = super().loop_read(max_packets)
        while self._at < len(self._read) and code == MQTTErrorCode.MQTT_ERR_SUCCESS:
            code = super().loop_read(max_packets)
        return code

    def _create_socket(self) -> "SocketLike":
        self._read, self._at = b"", 0
        return super()._create_socket()

    def _sock_recv(self, bufsize: int) -> bytes:
        if self._at == len(self._read):
            if not self._may_read:
                raise BlockingIOError
            self._may_read = False
            self._read, self._at = super()._sock_recv(READ_BYTES), 0
        begins = self._at
        self._at = min(begins + bufsize, len(self._read))
        return self._read[begins : self._at]

    def _handle_publish(self) -> MQTTErrorCode:
        raw = self._in_packet
        packet = read_publish(raw["command"], raw["packet"])
        if packet is None or packet.qos > 1:
            return super()._handle_publish()
        self.heard(packet)
        return MQTTErrorCode.MQTT_ERR_SUCCESS
