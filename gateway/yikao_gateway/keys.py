"""The gateway's signature: every message says provably from which gateway it is.

An Ed25519 key is made at the first start and never leaves the state folder. The server knows its
public half from the registry. The signature covers the exact bytes of a payload.

Source: RFC 8032, section 5.1.
"""

import base64
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yikao_gateway.errors import KeyFileError

KEY_FILE: Final = "signing.key"
KEY_BYTES: Final = 32
FINGERPRINT_BYTES: Final = 6
"""Enough to tell the keys of one gateway apart; the signature decides, not the name."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A payload and what proves its sender; `message_id` names this one message."""

    payload: bytes
    key_id: str
    signature: str
    message_id: str


class SigningKey:
    """The gateway's private key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_bytes = private.public_key().public_bytes_raw()
        """The 32 bytes by which the server checks."""
        self.key_id = hashlib.sha256(self.public_bytes).hexdigest()[: 2 * FINGERPRINT_BYTES]

    @property
    def public_text(self) -> str:
        """The public key as the server's registry takes it: base64url without padding."""
        return _base64url(self.public_bytes)

    def seal(self, payload: bytes) -> Sealed:
        """Sign `payload` as a new message."""
        return Sealed(payload, self.key_id, self.sign(payload), uuid4().hex)

    def sign(self, statement: bytes) -> str:
        """Return the signature over what is no message of ours, base64url without padding."""
        return _base64url(self._private.sign(statement))


def load_key(folder: Path) -> SigningKey:
    """Return the key in `folder`; it is made when there is none. Raises `KeyFileError`."""
    path = folder / KEY_FILE
    try:
        if not path.exists():
            _make(path)
        raw = path.read_bytes()
    except OSError as error:
        raise KeyFileError(f"the signing key {path} cannot be used: {error.strerror}") from error
    if len(raw) != KEY_BYTES:
        raise KeyFileError(
            f"{path} is no signing key: restore it, or remove it and register the new one"
        )
    return SigningKey(Ed25519PrivateKey.from_private_bytes(raw))


def _make(path: Path) -> None:
    """Write a new key, complete or not at all; of two processes one wins."""
    partial = path.with_name(f"{path.name}.{uuid4().hex}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
