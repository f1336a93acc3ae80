"""The virtual Bluetooth controllers: one in each device, one for each gateway that calls.

bumble's controller, with the parts a gateway stumbles over put right: an abandoned connection
attempt is reported as ended, a reset resets, and leaving the air takes the links down.

Host Controller Interface: Bluetooth Core Specification, Vol 4, Part E.
"""

import asyncio
from collections.abc import Callable

from bumble import hci, ll
from bumble.controller import Controller

from yikao_sim.air.link import AirLink

CONNECTION_TIMEOUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
RSSI = (-60).to_bytes(1, signed=True)
"""In dBm: a device in the same room."""


class AirController(Controller):
    """A controller that behaves when things end."""

    def __init__(self, name: str, link: AirLink, public_address: str | None = None) -> None:
        super().__init__(name, link=link, public_address=public_address)
        self._air = link

    def leave(self) -> None:
        """Leave the air for good; whoever is connected notices at once."""
        self._fall_silent()
        self._air.remove_controller(self)

    def drop_links(self, reason: int = CONNECTION_TIMEOUT) -> None:
        """Lose every link, as when the distance grew too large; both sides are told."""
        self.pending_le_connection = None
        for connection in tuple(self.le_connections.values()):
            connection.send_ll_control_pdu(ll.TerminateInd(reason))
            self.on_le_disconnected(connection, reason)

    def on_hci_reset_command(
        self, _command: hci.HCI_Reset_Command
    ) -> hci.HCI_StatusReturnParameters:
        self._fall_silent()
        return super().on_hci_reset_command(_command)

    def _fall_silent(self) -> None:
        self.drop_links()
        self.le_scan_enable = False
        self.le_legacy_advertiser.stop()
        for advertising_set in self.advertising_sets.values():
            advertising_set.stop()
        self.advertising_sets.clear()

    def on_hci_le_create_connection_cancel_command(
        self, _command: hci.HCI_LE_Create_Connection_Cancel_Command
    ) -> hci.HCI_StatusReturnParameters:
        """Cancel, and say so in the event that hosts wait for (Vol 4, Part E, 7.8.13)."""
        pending = self.pending_le_connection
        if pending is None:
            return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.COMMAND_DISALLOWED_ERROR)
        self.pending_le_connection = None
        ended = hci.HCI_LE_Connection_Complete_Event(
            status=hci.HCI_ErrorCode.UNKNOWN_CONNECTION_IDENTIFIER_ERROR,
            connection_handle=0,
            role=hci.Role.CENTRAL,
            peer_address_type=pending.peer_address.address_type,
            peer_address=pending.peer_address,
            connection_interval=0,
            peripheral_latency=0,
            supervision_timeout=0,
            central_clock_accuracy=0,
        )
        asyncio.get_running_loop().call_soon(self.send_hci_packet, ended)
        return hci.HCI_StatusReturnParameters(hci.HCI_ErrorCode.SUCCESS)


class GatewayController(AirController):
    """What a gateway talks to: it scans and connects, and reports advertisements it can pass on.

    Extended advertising and address resolution are not offered: the Linux kernel would use their
    commands, which bumble's controller only half implements (github.com/google/bumble/issues/841).
    """

    le_features = (
        Controller.le_features
        & ~hci.LeFeatureMask.LL_PRIVACY
        & ~hci.LeFeatureMask.LE_EXTENDED_ADVERTISING
        & ~hci.LeFeatureMask.LE_PERIODIC_ADVERTISING
    )

    def __init__(self, name: str, link: AirLink, public_address: str) -> None:
        super().__init__(name, link, public_address)
        self.is_congested: Callable[[], bool] = lambda: False
        """Tells that the gateway does not keep up; advertisements are then lost, as on real air."""
        link.listeners.add(self)

    def on_hci_le_set_scan_enable_command(
        self, command: hci.HCI_LE_Set_Scan_Enable_Command
    ) -> hci.HCI_StatusReturnParameters:
        if command.le_scan_enable:
            self._air.listened.set()
        return super().on_hci_le_set_scan_enable_command(command)

    def on_advertising_pdu(self, pdu: ll.AdvInd | ll.AdvExtInd) -> None:
        if self.le_scan_enable and self.hci_sink is not None and not self.is_congested():
            self.hci_sink.on_packet(advertising_report(pdu, answered=bool(self.le_scan_type)))
        pending = self.pending_le_connection
        if pending is not None and pending.peer_address == pdu.advertiser_address:
            self.create_le_connection(pdu.advertiser_address)


def advertising_report(pdu: ll.AdvInd | ll.AdvExtInd, *, answered: bool) -> bytes:
    """Return the HCI event that reports `pdu`, and for an active scan the (empty) answer to it.

    Written by hand: it is by far the most frequent event, and bumble takes 20 times as long to
    build and print it. Layout: Vol 4, Part E, 7.7.65.2.
    """
    address = pdu.advertiser_address
    who = bytes((address.address_type,)) + bytes(address)
    reports = [b"\x00" + who + bytes((len(pdu.data),)) + pdu.data + RSSI]
    if answered:
        reports.append(b"\x04" + who + b"\x00" + RSSI)
    parameters = bytes((0x02, len(reports))) + b"".join(reports)
    return b"\x04\x3e" + bytes((len(parameters),)) + parameters
