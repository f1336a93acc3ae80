"""The envelope in which WeCom tells what a member did, and in which it is answered: signed, sealed.

The signature is SHA-1 over the sorted token, time, nonce and sealed text; the seal is AES-256-CBC
with the first half of the key as its start, padded to 32 bytes; inside stand 16 random bytes, the
length, the text, and for whom it is. What does not fit in any part is nobody's message.

Source: https://developer.work.weixin.qq.com/document/path/90968 (scheme),
https://developer.work.weixin.qq.com/document/path/90930 (callbacks).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK: Final = 32
"""Bytes padded to; AES itself has blocks of 16."""
AES_BLOCK: Final = 16
RANDOM_BYTES: Final = 16
_LENGTH: Final = struct.Struct(">I")
_HEAD: Final = RANDOM_BYTES + _LENGTH.size
ENCODED_KEY: Final = re.compile(r"[A-Za-z0-9]{43}")


class KeyFormError(ValueError):
    """An encoding key that is none: WeCom shows 43 letters and digits."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stands beside a sealed text, in the address or in the answer."""

    signature: str
    timestamp: str
    nonce: str


@dataclass(frozen=True, slots=True)
class Seal:
    """Opens and closes envelopes of one application of `corp_id`; make it with `seal_of`."""

    corp_id: str
    token: str = field(repr=False)
    key: bytes = field(repr=False)

    def open(self, stamp: Stamp, sealed: str) -> str | None:
        """Return the text in an envelope; None when it is forged, damaged or not for us."""
        genuine = self.signature(stamp.timestamp, stamp.nonce, sealed)
        if not hmac.compare_digest(genuine.encode(), stamp.signature.encode("utf-8", "replace")):
            return None
        try:
            content = base64.b64decode(sealed, validate=True)
        except (binascii.Error, ValueError):
            return None
        if not content or len(content) % AES_BLOCK:
            return None
        return self._read(_through(self._cipher().decryptor(), content))

    def close(self, text: str, timestamp: str, nonce: str) -> tuple[Stamp, str]:
        """Return the envelope around `text`, and what stands beside it."""
        content = text.encode()
        inside = secrets.token_bytes(RANDOM_BYTES) + _LENGTH.pack(len(content)) + content
        inside += self.corp_id.encode()
        padding = BLOCK - len(inside) % BLOCK
        inside += bytes([padding]) * padding
        sealed = base64.b64encode(_through(self._cipher().encryptor(), inside)).decode()
        return Stamp(self.signature(timestamp, nonce, sealed), timestamp, nonce), sealed

    def signature(self, timestamp: str, nonce: str, sealed: str) -> str:
        """Return the signature of an envelope, in hexadecimal."""
        parts = sorted((self.token, timestamp, nonce, sealed))
        # The scheme is WeCom's; the secret token among the parts is what protects it.
        return hashlib.sha1("".join(parts).encode("utf-8", "replace")).hexdigest()

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES(self.key), CBC(self.key[:AES_BLOCK]))

    def _read(self, inside: bytes) -> str | None:
        padding = inside[-1]
        if not 1 <= padding <= BLOCK or inside[-padding:] != bytes([padding]) * padding:
            return None
        content = inside[:-padding]
        if len(content) < _HEAD:
            return None
        end = _HEAD + _LENGTH.unpack_from(content, RANDOM_BYTES)[0]
        if content[end:] != self.corp_id.encode():
            return None
        try:
            return content[_HEAD:end].decode()
        except UnicodeDecodeError:
            return None


def seal_of(corp_id: str, token: str, encoded_key: str) -> Seal:
    """Return the seal for what WeCom's console shows; refuses a key with `KeyFormError`."""
    if ENCODED_KEY.fullmatch(encoded_key) is None:
        raise KeyFormError("the callback's EncodingAESKey has 43 letters and digits")
    return Seal(corp_id, token, base64.b64decode(encoded_key + "="))


def _through(context: CipherContext, content: bytes) -> bytes:
    return context.update(content) + context.finalize()
