"""How a simulated device lets itself be paired: not at all, just so, or with six digits it shows.

Bluetooth Core Specification, Vol 3, Part H: Security Manager, LE Secure Connections and the
legacy pairing of older devices.
"""

import re
from dataclasses import dataclass
from enum import Enum

from bumble.keys import MemoryKeyStore, PairingKeys
from bumble.pairing import PairingConfig, PairingDelegate
from bumble.smp import (
    ErrorCode,
    IoCapability,
    Session,
    SMP_Pairing_Request_Command,
)

from yikao_sim.errors import SimError


class Way(Enum):
    """How a device is paired."""

    NONE = "none"
    JUST_WORKS = "just-works"
    PASSKEY = "passkey"


@dataclass(frozen=True, slots=True)
class Protection:
    """What guards the measurements. `legacy` is the pairing of devices before Bluetooth 4.2."""

    way: Way = Way.JUST_WORKS
    passkey: int | None = None
    legacy: bool = False

    @property
    def encrypted(self) -> bool:
        """True when measurements are given only on an encrypted link."""
        return self.way is not Way.NONE


def parse_protection(text: str, *, legacy: bool = False) -> Protection:
    """Return the protection that `just-works`, `passkey:123456` or `none` names."""
    if text in (Way.JUST_WORKS.value, Way.NONE.value):
        return Protection(Way(text), legacy=legacy)
    # bumble cannot pair with 000000.
    if (match := re.fullmatch(r"passkey:(\d{6})", text)) and int(match[1]):
        return Protection(Way.PASSKEY, int(match[1]), legacy)
    raise SimError(
        f"pairing {text!r}: write just-works, none, or passkey: and six digits from 000001"
    )


class Display(PairingDelegate):
    """The device's side of pairing: it shows its passkey, if it has one, and accepts."""

    def __init__(self, protection: Protection, *, accepts: bool) -> None:
        keys = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        super().__init__(
            PairingDelegate.NO_OUTPUT_NO_INPUT
            if protection.passkey is None
            else PairingDelegate.DISPLAY_OUTPUT_ONLY,
            # Without identities: the bond is filed under the address that is used on the air.
            local_initiator_key_distribution=keys,
            local_responder_key_distribution=keys,
        )
        self._protection = protection
        self._accepts = accepts

    async def accept(self) -> bool:
        return self._accepts and self._protection.encrypted

    async def generate_passkey(self) -> int:
        assert self._protection.passkey is not None
        return self._protection.passkey


def pairing_config(protection: Protection, *, accepts: bool = True) -> PairingConfig:
    """Return how to pair; without `accepts` the device is not in its pairing mode."""
    return PairingConfig(
        sc=not protection.legacy,
        mitm=protection.way is Way.PASSKEY,
        bonding=True,
        delegate=Display(protection, accepts=accepts),
    )


class StrictSession(Session):
    """A pairing that insists on the passkey; bumble would fall back to "just works"."""

    async def on_smp_pairing_request_command_async(
        self, command: SMP_Pairing_Request_Command
    ) -> None:
        if self.mitm and command.io_capability == IoCapability.NO_INPUT_NO_OUTPUT:
            self.send_pairing_failed(ErrorCode.AUTHENTICATION_REQUIREMENTS)
            return
        await super().on_smp_pairing_request_command_async(command)


class DeviceBonds(MemoryKeyStore):
    """The bonds of one device; they last as long as the simulator runs."""

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Store `keys`; those of legacy pairing the right way round.

        A responder of bumble files the two under each other's names and then cannot encrypt again.
        """
        if keys.ltk is None:
            keys.ltk_central, keys.ltk_peripheral = keys.ltk_peripheral, keys.ltk_central
        await super().update(name, keys)
