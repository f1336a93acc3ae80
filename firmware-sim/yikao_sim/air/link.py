"""The air between simulated devices and gateways: who hears whom.

bumble's own link hands every advertisement to every controller and looks addresses up one by one,
which stops working at a few hundred devices. Here advertisements go only to the controllers that
can listen, and everything else goes straight to its receiver.

Air interface: Bluetooth Core Specification, Vol 6, Part B.
"""

import asyncio

from bumble import hci, ll
from bumble.controller import Controller
from bumble.core import PhysicalTransport
from bumble.link import LocalLink

NEVER_ESTABLISHED = hci.HCI_ErrorCode.CONNECTION_FAILED_TO_BE_ESTABLISHED_ERROR


class AirLink(LocalLink):
    """A link for hundreds of peripherals and a few gateways."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # theirs
        self.listeners: set[Controller] = set()
        """The controllers that scan and connect; peripherals never do."""
        self.listened = asyncio.Event()
        """Set when somebody begins to listen; whoever waits for it clears it before."""
        self._by_address: dict[hci.Address, Controller] = {}

    def add_controller(self, controller: Controller) -> None:
        super().add_controller(controller)
        self.on_address_changed(controller)

    def remove_controller(self, controller: Controller) -> None:
        super().remove_controller(controller)
        self.listeners.discard(controller)
        mine = [a for a, owner in self._by_address.items() if owner is controller]
        for address in mine:
            del self._by_address[address]

    def on_address_changed(self, controller: Controller) -> None:
        """Index the addresses of `controller`; a gateway that returns takes its address over."""
        for address in (controller.random_address, controller.public_address):
            if any(bytes(address)):
                self._by_address[address] = controller

    def find_le_controller(self, address: hci.Address) -> Controller | None:
        return self._by_address.get(address) or super().find_le_controller(address)

    def send_acl_data(
        self,
        sender_controller: Controller,
        destination_address: hci.Address,
        transport: PhysicalTransport,
        data: bytes,
    ) -> None:
        """Deliver `data` as from the address that the sender uses on this very connection.

        bumble always takes the random one, and a host that connects from its public address, as
        the Linux kernel does, would wait for ever.
        """
        connection = sender_controller.le_connections.get(destination_address)
        receiver = self.find_le_controller(destination_address)
        if connection is None or receiver is None:
            return
        asyncio.get_running_loop().call_soon(
            receiver.on_link_acl_data, connection.self_address, transport, data
        )

    def send_advertising_pdu(
        self, sender_controller: Controller, packet: ll.AdvertisingPdu
    ) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(packet, ll.ConnectInd):
            loop.call_soon(self._connect, sender_controller, packet)
            return
        for listener in self.listeners:
            if listener is not sender_controller:
                loop.call_soon(listener.on_ll_advertising_pdu, packet)

    def send_ll_control_pdu(
        self,
        sender_address: hci.Address,
        receiver_address: hci.Address,
        packet: ll.ControlPdu,
    ) -> None:
        """Deliver `packet`; one to a controller that has left the air is lost, as on real air."""
        if (receiver := self.find_le_controller(receiver_address)) is not None:
            asyncio.get_running_loop().call_soon(receiver.on_ll_control_pdu, sender_address, packet)

    def _connect(self, central: Controller, packet: ll.ConnectInd) -> None:
        """Bring the request to the advertiser; one that no longer listens ends the attempt.

        bumble would leave the central alone on a link that is up on its side only.
        """
        advertiser = self.find_le_controller(packet.advertiser_address)
        if advertiser is not None:
            advertiser.on_ll_advertising_pdu(packet)
            if packet.initiator_address in advertiser.le_connections:
                return
        central.on_ll_control_pdu(packet.advertiser_address, ll.TerminateInd(NEVER_ESTABLISHED))
