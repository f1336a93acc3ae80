"""The gateway's certificate for the broker, and the key it is for: ECDSA over P-256.

Another key than the one that readings are signed with: this one only opens the door, and is made
anew for each certificate.

Standards: RFC 5280, RFC 2986 (request), FIPS 186-5.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from yikao_gateway.errors import EnrolmentError


class Phase(Enum):
    """Where in its life a certificate is."""

    FRESH = "fresh"
    DUE = "due"
    """To be renewed: two thirds are over."""
    LATE = "late"
    """It should have been renewed: five sixths are over, 15 days are left. People are told."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says: whose it is, and from when until when it is valid."""

    gateway: str
    serial: str
    begins: datetime
    ends: datetime

    @property
    def due_at(self) -> datetime:
        """From when on it is to be renewed."""
        return self.begins + self._life * 2 / 3

    def phase(self, now: datetime) -> Phase:
        """Return where in its life it is."""
        if now >= self.ends:
            return Phase.ENDED
        if now >= self.begins + self._life * 5 / 6:
            return Phase.LATE
        return Phase.DUE if now >= self.due_at else Phase.FRESH

    @property
    def _life(self) -> timedelta:
        return self.ends - self.begins


def read_certificate(pem: bytes) -> Certificate:
    """Return what the first certificate of a PEM file says. Raises `EnrolmentError`."""
    read = _load(pem)
    names = read.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    gateway = str(names[0].value) if names else ""
    begins, ends = read.not_valid_before_utc, read.not_valid_after_utc
    return Certificate(gateway, f"{read.serial_number:x}", begins, ends)


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate of an authority: bytes, of which its mark is made, and the same as PEM."""

    der: bytes
    pem: bytes


def read_authority(pem: bytes) -> Authority:
    """Return the first certificate of a text, and nothing else that may stand there: a second one,
    put behind it by whoever stands in between, would be believed as well."""
    read = _load(pem)
    return Authority(read.public_bytes(Encoding.DER), read.public_bytes(Encoding.PEM))


class DoorKey:
    """The private half."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private

    @property
    def pem(self) -> bytes:
        """As it stands in a file."""
        return self._private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def request(self) -> str:
        """Return a certificate request, which proves that we have this key. Whose name will stand
        in the certificate the server knows."""
        builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
        return builder.sign(self._private, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def sign(self, statement: bytes) -> str:
        """Return a signature as it travels: base64url without padding."""
        made = self._private.sign(statement, ec.ECDSA(hashes.SHA256()))
        return base64.urlsafe_b64encode(made).rstrip(b"=").decode()

    def check(self, certificate: bytes, authority: bytes) -> None:
        """Refuse with `EnrolmentError` a certificate for another key, or of another authority."""
        ours = _load(certificate)
        if ours.public_key() != self._private.public_key():
            raise EnrolmentError("the server sent a certificate for another key: look at its log")
        try:
            ours.verify_directly_issued_by(_load(authority))
        except (ValueError, TypeError, InvalidSignature) as error:
            raise EnrolmentError(
                "the server sent a certificate that its own authority has not signed: look at it"
            ) from error


def new_key() -> DoorKey:
    """Return a new key."""
    return DoorKey(ec.generate_private_key(ec.SECP256R1()))


def read_key(pem: bytes) -> DoorKey:
    """Return the key of a PEM file. Raises `EnrolmentError`."""
    try:
        private = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise EnrolmentError("the certificate's key cannot be read: enrol again") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise EnrolmentError("the certificate's key is of another kind than ours: enrol again")
    return DoorKey(private)


def _load(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise EnrolmentError("the certificate cannot be read: enrol again") from error
