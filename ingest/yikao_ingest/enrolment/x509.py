"""Certificates, as values: what stands in them, and whether a request is from whom it says.

ECDSA over P-256 with SHA-256 throughout: OpenSSL, and with it mosquitto, paho and every proxy,
takes it; Ed25519 certificates not everything does. Pure: keys and moments come in, PEM goes out.

Standards: RFC 5280, RFC 2986, FIPS 186-5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey
Certificate = x509.Certificate
HASH: Final = hashes.SHA256()
BEFORE: Final = timedelta(minutes=5)
"""Certificates begin so much earlier: a gateway's clock may be a little behind."""
CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH


class NotUsableError(ValueError):
    """A file or request is not what it has to be; the text says why, and holds nothing secret."""


@dataclass(frozen=True, slots=True)
class Signer:
    """An authority: its certificate, and the key it signs with."""

    certificate: Certificate
    key: Key


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate as it is stored and handed out."""

    pem: str
    serial: str
    expires_at: datetime


def new_key() -> Key:
    """Return a new private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """Return a private key as it stands in a file."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def read_signer(certificate: bytes, key: bytes) -> Signer:
    """Return the authority of these files (PEM). Raises `NotUsableError`."""
    try:
        read, private = x509.load_pem_x509_certificate(certificate), load_pem_private_key(key, None)
        authority = read.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound) as error:
        raise NotUsableError("certificate or key cannot be read") from error
    if not isinstance(private, Key) or not authority:
        raise NotUsableError("it is no certificate authority with an elliptic-curve key")
    if private.public_key() != read.public_key():
        raise NotUsableError("key and certificate do not belong together")
    return Signer(read, private)


def self_signed(name: str, key: Key, begins: datetime, ends: datetime) -> Certificate:
    """Return the certificate of a new authority."""
    subject = _named(name)
    return (
        _begun(subject, subject, key.public_key(), begins, ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, HASH)
    )


def issue(
    signer: Signer,
    name: str,
    key: ec.EllipticCurvePublicKey,
    use: x509.ObjectIdentifier,
    begins: datetime,
    ends: datetime,
    hosts: Iterable[str] = (),
) -> Issued:
    """Return a certificate for `name`; it ends with its authority's at the latest."""
    ends = min(ends, signer.certificate.not_valid_after_utc)
    builder = (
        _begun(_named(name), signer.certificate.subject, key, begins, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
            critical=False,
        )
    )
    if names := [_host(host) for host in hosts]:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(signer.key, HASH)
    return Issued(pem(made), f"{made.serial_number:x}", made.not_valid_after_utc)


def revocations(signer: Signer, withdrawn: Mapping[str, datetime], now: datetime) -> bytes:
    """Return the list of withdrawn certificates (PEM): serial, and since when.

    It says that the next one comes when the authority ends. A broker reads its list at its start,
    and OpenSSL refuses everybody by one that is out of date.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(now)
        .next_update(signer.certificate.not_valid_after_utc)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()),
            critical=False,
        )
        # It grows with each list: seconds do.
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for serial, at in withdrawn.items():
        entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(signer.key, HASH).public_bytes(Encoding.PEM)


def withdrawn_in(crl: bytes) -> frozenset[str]:
    """Return the serials in a list. Raises `NotUsableError`."""
    try:
        return frozenset(f"{entry.serial_number:x}" for entry in x509.load_pem_x509_crl(crl))
    except ValueError as error:
        raise NotUsableError("the list of withdrawn certificates cannot be read") from error


def requested_key(csr: str) -> ec.EllipticCurvePublicKey:
    """Return the key for which somebody who has it asks for a certificate.

    Nothing else of the request counts: whose it is the server knows. Raises `NotUsableError`.
    """
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        key, genuine = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotUsableError("the request cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotUsableError("the request is not for a key of P-256")
    if not genuine:
        raise NotUsableError("the request is not signed with its own key")
    return key


def key_hash(key: ec.EllipticCurvePublicKey) -> bytes:
    """Return by what a public key is known again."""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(spki).digest()


def signed_by(certificate: str, signature: bytes, statement: bytes) -> bool:
    """Return whether `signature` was made with the key of this certificate, one of ours (PEM)."""
    key = x509.load_pem_x509_certificate(certificate.encode()).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey), "we issue no other"
    try:
        key.verify(signature, statement, ec.ECDSA(HASH))
    except InvalidSignature:
        return False
    return True


def pem(certificate: Certificate) -> str:
    """Return a certificate as text."""
    return certificate.public_bytes(Encoding.PEM).decode()


def der(certificate: Certificate) -> bytes:
    """Return a certificate's bytes, of which its mark is made."""
    return certificate.public_bytes(Encoding.DER)


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    begins: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - BEFORE)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
