"""Is a message from the gateway it names? Ed25519 over its exact bytes (RFC 8032).

Only the watchdog's own gateway signs here: it proves the path by going all of it. By libsodium: it
checks the short messages of a live evening in half of OpenSSL's time, and lets other threads work.
"""

import base64
import binascii

from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError
from nacl.signing import SigningKey

PUBLIC_KEY_BYTES = 32
PRIVATE_KEY_BYTES = 32
SIGNATURE_BYTES = 64


def decode_base64url(text: str, length: int) -> bytes | None:
    """Return the `length` bytes that `text` spells without padding, or None.

    There is one spelling for each: a text that only decodes to them is refused.
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    canonical = base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text
    return raw if canonical and len(raw) == length else None


def encode_base64url(raw: bytes) -> str:
    """Return the one spelling of `raw` that `decode_base64url` takes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def public_key(private: bytes) -> bytes:
    """Return the other half of a private key; private: any `PRIVATE_KEY_BYTES` bytes."""
    return bytes(SigningKey(private).verify_key)


def sign(private: bytes, payload: bytes) -> bytes:
    """Return the signature over `payload`."""
    return SigningKey(private).sign(payload).signature


def genuine(public_key: bytes, signature: bytes, payload: bytes) -> bool:
    """Return whether `signature` over `payload` was made with the key's other half."""
    try:
        crypto_sign_open(signature + payload, public_key)
    except (CryptoError, ValueError):
        return False
    return True
