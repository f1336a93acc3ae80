"""Offers the simulated air to gateways: a Bluetooth controller on a socket for each that calls.

A gateway speaks the Host Controller Interface over the socket as it would over a cable (H4
framing: Bluetooth Core Specification, Vol 4, Part A). When the socket closes, for instance because
the gateway was killed, its controller leaves the air and its devices advertise again.
"""

import asyncio
import logging
import socket
from typing import cast

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser

from yikao_sim.air import sockets
from yikao_sim.air.controller import GatewayController
from yikao_sim.air.link import AirLink

log = logging.getLogger(__name__)

CALLERS_MAX = 64
"""Gateways at once; a simulated town starts several simulators."""
SEND_BUFFER_BYTES = 16 * 1024
"""Small, so that advertisements nobody has time for are lost and do not delay everything else."""
BACKLOG_MAX_BYTES = 8 * 1024 * 1024
"""What may wait for a gateway that no longer reads, before it is hung up on."""


class AirServer:
    """Listens for gateways; `start`, then `close`."""

    def __init__(self, link: AirLink) -> None:
        self._link = link
        self._server: asyncio.Server | None = None
        self._callers: dict[int, Caller] = {}
        self.address = ""

    async def start(self, spec: str) -> None:
        """Listen at `spec`; `address` then holds the real one. Raises `ListenError`."""
        self._server, self.address = await sockets.listen(spec, lambda: Caller(self))

    async def close(self) -> None:
        """Stop listening and hang up on every gateway."""
        for caller in tuple(self._callers.values()):
            caller.hang_up()
        if self._server is not None:
            await sockets.close(self._server, self.address)
            self._server = None

    def admit(self, caller: "Caller") -> GatewayController | None:
        """Return a controller for `caller`, or None when there are too many."""
        number = next((n for n in range(CALLERS_MAX) if n not in self._callers), None)
        if number is None:
            log.warning("gateway turned away: too many are connected")
            return None
        self._callers[number] = caller
        # The lowest free number: a lone gateway that reconnects finds the same controller address.
        return GatewayController(f"gateway {number}", self._link, f"00:1A:7D:DA:71:{number:02X}")

    def dismiss(self, caller: "Caller") -> None:
        self._callers = {n: each for n, each in self._callers.items() if each is not caller}


class Caller(asyncio.Protocol):
    """One gateway's socket, with a controller behind it."""

    def __init__(self, server: AirServer) -> None:
        self._server = server
        self._parser = PacketParser()
        self._controller: GatewayController | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._controller = self._server.admit(self)
        if self._controller is None:
            self._transport.close()
            return
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._controller.set_packet_sink(self)
        self._controller.is_congested = lambda: self._transport.get_write_buffer_size() > 0
        self._parser.set_packet_sink(self._controller)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError:
            log.warning("not the Host Controller Interface: hung up on a caller")
            self.hang_up()

    def on_packet(self, packet: bytes) -> None:
        """Pass a packet of the controller to the gateway."""
        if self._transport.is_closing():
            return
        self._transport.write(packet)
        if self._transport.get_write_buffer_size() > BACKLOG_MAX_BYTES:
            log.warning("gateway no longer reads: hung up on it")
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._controller is not None:
            self._controller.leave()
        self._server.dismiss(self)

    def hang_up(self) -> None:
        self._transport.abort()
