"""Which devices are ours, and whether a new bond may be made with one: a person decides both.

A neighbour's cuff is in the air like our own. What is listed in the settings, or was bonded once,
is read; a stranger is bonded only while a person has opened pairing mode, and only from nearby. A
strap is worn by whoever walks by, and tells for hours: of strangers it is never listened to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from yikao_devices.models import Conversation, Model, recognise
from yikao_gateway.radio.ports import Advertisement

NEAR_DBM: Final = -70
"""A stranger that is to be paired lies beside the gateway; the next flat is weaker."""


class Consent(Enum):
    """Who agrees to a new bond with a device."""

    NONE = "none"
    WRITTEN = "written"
    """Whoever wrote the device into the settings, or runs the gateway as a tool."""
    PRESENT = "present"
    """Somebody who has opened pairing mode and stands there, to type digits and to be told."""


class Bonding(Enum):
    """With whom a new bond may be made while pairing mode is closed: the setting `pairing`."""

    ANY = "any"
    """For tools that a person starts; a gateway that runs alone never does that."""
    LISTED = "listed"
    MODE = "mode"
    """With nobody."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A device that the settings name; None leaves the model to be recognised."""

    model: Model | None = None
    passkey: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A device to visit, and how."""

    address: str
    model: Model
    passkey: int | None = None
    consent: Consent = Consent.WRITTEN


@dataclass(frozen=True, slots=True)
class Choice:
    """Which devices are ours. With `only_listed` a neighbour's cuff is never read."""

    listed: Mapping[str, Listed]
    only_listed: bool
    passkey: int | None = None
    """For devices that are not listed."""
    bonding: Bonding = Bonding.ANY

    def target(
        self, heard: Advertisement, *, bonded: bool = False, mode_open: bool = False
    ) -> Target | None:
        """Return how to visit the device that was heard, or None when it is not ours."""
        entry = self.listed.get(heard.address)
        welcome = mode_open and (entry is not None or bonded or _is_near(heard))
        if entry is None and self.only_listed and not bonded and not welcome:
            return None
        is_ours = entry is not None or bonded or welcome or self.bonding is Bonding.ANY
        consent = Consent.PRESENT if welcome else self._consent(entry)
        entry = entry or Listed(passkey=self.passkey)
        model = entry.model or recognise(heard.name, heard.services)
        if model is None or (model.conversation is Conversation.STRAP and not is_ours):
            return None
        return Target(heard.address, model, entry.passkey, consent)

    def _consent(self, entry: Listed | None) -> Consent:
        """Return who agrees while pairing mode is closed."""
        match self.bonding:
            case Bonding.ANY:
                return Consent.WRITTEN
            case Bonding.LISTED if entry is not None:
                return Consent.WRITTEN
            case _:
                return Consent.NONE


def _is_near(heard: Advertisement) -> bool:
    return heard.rssi is None or heard.rssi >= NEAR_DBM
