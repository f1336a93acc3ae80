"""Who may sign in: a small file of doctors and the scrypt of their passwords, HTTP Basic.

Standards: RFC 7617 (Basic), RFC 7914 (scrypt). One line a doctor, `doctor_id:scrypt$n$r$p$salt$key`
with salt and key in base64; lines that are empty or begin with # are for people.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from yikao_alerts.feed.errors import FeedError

N: Final = 2**14
R: Final = 8
P: Final = 5
"""OWASP's third choice, 16 MiB and about 0.15 s: a feed is signed in to a few times a day."""
SALT_BYTES: Final = 16
KEY_BYTES: Final = 32
MEMORY_MAX: Final = 256 * 1024 * 1024
AT_ONCE: Final = 2
"""Passwords checked at the same time; more wait, so that guessing cannot stop the feed."""
REMEMBERED_MAX: Final = 2000
"""Right passwords kept as a keyed hash, so that only the first request of many pays for scrypt."""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """What is stored of a password."""

    n: int
    r: int
    p: int
    salt: bytes
    key: bytes

    def matches(self, password: str) -> bool:
        """Return whether `password` is the one; takes as long for a wrong one."""
        return hmac.compare_digest(
            self.key, _scrypt(password, self.salt, self.n, self.r, self.p, len(self.key))
        )


def hash_password(password: str, salt: bytes | None = None) -> str:
    """Return what stands after `doctor_id:` in the users file."""
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    key = _scrypt(password, salt, N, R, P, KEY_BYTES)
    return f"scrypt${N}${R}${P}${_text(salt)}${_text(key)}"


def parse_users(text: str, name: str) -> dict[str, PasswordHash]:
    """Return the doctors in a users file; refuses with `FeedError`, naming the line."""
    users: dict[str, PasswordHash] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        doctor_id, _, stored = line.strip().partition(":")
        if not doctor_id or doctor_id in users:
            raise _bad_line(name, number, "no doctor, or one that is there already")
        try:
            users[doctor_id] = _parse_hash(stored)
        except (ValueError, binascii.Error) as error:
            raise _bad_line(name, number, "the hash is not scrypt$n$r$p$salt$key") from error
    return users


class Users:
    """The doctors who may sign in."""

    def __init__(self, known: Mapping[str, PasswordHash]) -> None:
        self._known = known
        self._nobody = _parse_hash(hash_password("", os.urandom(SALT_BYTES)))
        self._secret = os.urandom(KEY_BYTES)
        self._remembered: OrderedDict[bytes, str] = OrderedDict()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def sign_in(self, authorization: str | None) -> str | None:
        """Return the doctor that an Authorization header proves, or None."""
        credentials = _basic(authorization)
        if credentials is None:
            return None
        doctor_id, password = credentials
        mark = hmac.digest(self._secret, f"{doctor_id}:{password}".encode(), "sha256")
        if mark in self._remembered:
            return self._remembered[mark]
        # An unknown name costs the same time, so that names cannot be guessed by the clock.
        stored = self._known.get(doctor_id, self._nobody)
        async with self._slots:
            right = await asyncio.to_thread(stored.matches, password)
        if not right or doctor_id not in self._known:
            return None
        self._remembered[mark] = doctor_id
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return doctor_id


def load_users(path: Path) -> Users:
    """Return the doctors in the users file; refuses with `FeedError` a missing or empty one."""
    try:
        known = parse_users(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise FeedError(
            f"the users file {path} cannot be read: {error.strerror}",
            "mend it, or add a doctor with `yikao feed --add-user`",
        ) from error
    if not known:
        raise FeedError(
            f"the users file {path} names nobody", "add a doctor with `yikao feed --add-user`"
        )
    return Users(known)


def _basic(authorization: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, password) if colon else None


def _parse_hash(stored: str) -> PasswordHash:
    scheme, n, r, p, salt, key = stored.split("$")
    if scheme != "scrypt":
        raise ValueError(f"{scheme} is not scrypt")
    return PasswordHash(int(n), int(r), int(p), base64.b64decode(salt), base64.b64decode(key))


def _bad_line(name: str, number: int, why: str) -> FeedError:
    return FeedError(
        f"{name}, line {number}: {why}", "write the line anew with `yikao feed --add-user`"
    )


def _scrypt(password: str, salt: bytes, n: int, r: int, p: int, length: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=n, r=r, p=p, maxmem=MEMORY_MAX, dklen=length
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
