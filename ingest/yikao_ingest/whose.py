"""Whose is it? By whose device it came, or at a station by whose card; never by a guess.

Pure. A binding that names somebody for the very time of the measurement is a person's word, and
goes before a card: so a station's reading that nobody held a card for is given to its resident
(docs/adr/0025-station.md).
"""

from typing import NamedTuple

from yikao_devices import wire
from yikao_devices.cards import digest_of
from yikao_ingest.directory import Device, Directory
from yikao_ingest.reasons import Reason


class Nobody(NamedTuple):
    """It is nobody's yet, and why."""

    reason: Reason
    detail: str


def whose(
    item: wire.Reading | wire.SymptomReport | wire.DeviceEvent,
    device: Device | None,
    directory: Directory,
) -> int | Nobody:
    """Return the resident, as of when it was measured. device: the item's, if it is known."""
    if device is None:
        return Nobody(Reason.NO_BINDING, "the device belonged to nobody when it measured")
    user = None if isinstance(item, wire.DeviceEvent) else item.user
    named = device.patient(item.measured_at, user)
    if isinstance(item, wire.Measured) and (device.station or item.place == "office"):
        return _at_station(item, device, named, directory)
    if named is None:
        return Nobody(Reason.NO_BINDING, "the device belonged to nobody when it measured")
    return named


def _at_station(
    item: wire.Measured, device: Device, named: int | None, directory: Directory
) -> int | Nobody:
    if not device.station:
        # It would go to whoever had the cuff at home, whoever held his arm in it.
        return Nobody(Reason.STATION_UNCLEAR, "the registry does not call the device a station's")
    if named is not None:
        return named
    if item.place != "office":
        return Nobody(Reason.STATION_UNCLEAR, "its gateway does not run as a station")
    if item.card is None:
        return Nobody(Reason.NO_CARD, "no card was read before the measurement")
    card = directory.cards.get(digest_of(item.card))
    if card is None:
        return Nobody(Reason.UNKNOWN_CARD, "the registry has no such card")
    if not card.holds(item.measured_at):
        return Nobody(Reason.CARD_ENDED, "the card was not valid when it was measured")
    return card.patient_id
