"""How the simulated radio pairs, and what it remembers of it: its own address and its bonds.

A device recognises the gateway by its address, so both files belong together: with a new address
every bond would be worthless. The keys are secrets and readable by the owner alone.

Addresses: static random, Bluetooth Core Specification, Vol 6, Part B, 1.3.2.1.
"""

import asyncio
import json
import logging
import os
from pathlib import Path
from typing import Any

from bumble import hci
from bumble.keys import JsonKeyStore, PairingKeys
from bumble.pairing import PairingDelegate

from yikao_gateway.radio.ports import DIGITS_MAX_S, Pairing

log = logging.getLogger(__name__)

ADDRESS_FILE = "radio-address"
BONDS_FILE = "radio-bonds.json"


def own_address(state_dir: Path) -> hci.Address:
    """Return this radio's static random address; the first call chooses and stores it."""
    path = state_dir / ADDRESS_FILE
    try:
        return hci.Address(path.read_text().strip())
    except FileNotFoundError:
        address = hci.Address.generate_static_address()
    except ValueError:
        log.warning("stored radio address unreadable, choosing a new one", extra={"file": path})
        address = hci.Address.generate_static_address()
    _write_durably(path, str(address))
    return address


class Bonds(JsonKeyStore):
    """The bonds of one radio in one file, readable by its owner alone."""

    def __init__(self, state_dir: Path, address: hci.Address) -> None:
        super().__init__(str(address), str(state_dir / BONDS_FILE))

    async def load(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the whole file and this radio's part of it; an unreadable file is put aside."""
        try:
            return await super().load()
        except json.JSONDecodeError:
            aside = self.filename.with_suffix(".unreadable")
            self.filename.replace(aside)
            log.error("bonds unreadable, put aside: pair every device again", extra={"file": aside})
            return await super().load()

    async def save(self, db: dict[str, Any]) -> None:
        _write_durably(self.filename, json.dumps(db, indent=2, sort_keys=True))

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Replace the keys of `name`.

        bumble merges them, and a key left over from an earlier kind of pairing would win over the
        new one.
        """
        db, mine = await self.load()
        mine[name] = keys.to_dict()
        await self.save(db)

    async def delete(self, name: str) -> None:
        """Forget `name`; without effect when it is unknown."""
        db, mine = await self.load()
        if mine.pop(name, None) is not None:
            await self.save(db)

    async def get_resolving_keys(self) -> list[tuple[bytes, hci.Address]]:
        """Return nothing: cuffs and meters keep one address, so none has to be resolved."""
        return []


class Pairer(PairingDelegate):
    """Types in the six digits a person gave or gives; without a person it is a box with no keys.

    Only encryption keys are exchanged: with identities the bond would be filed under an address
    that the device may not use on the air.
    """

    def __init__(self, pairing: Pairing) -> None:
        self.pairing = pairing
        self.mitm = self.has_digits = pairing.passkey is not None
        """mitm: we insist on digits. has_digits: they were given, rightly or wrongly."""
        keys = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY
        super().__init__(
            PairingDelegate.KEYBOARD_INPUT_ONLY
            if self.can_type
            else PairingDelegate.NO_OUTPUT_NO_INPUT,
            local_initiator_key_distribution=keys,
            local_responder_key_distribution=keys,
        )

    @property
    def can_type(self) -> bool:
        """Whether there are digits, or somebody who can be asked for them."""
        return self.pairing.passkey is not None or self.pairing.ask is not None

    async def get_number(self) -> int | None:
        if self.pairing.passkey is not None or self.pairing.ask is None:
            return self.pairing.passkey
        try:
            async with asyncio.timeout(DIGITS_MAX_S):
                digits = await self.pairing.ask()
        except TimeoutError:
            return None
        self.has_digits = True
        return digits


def _write_durably(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(path.suffix + ".draft")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
