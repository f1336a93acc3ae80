"""Certificates for a provider that does not exist: a right one, and the wrong ones to be refused.

An authority is made afresh each time and believed by nobody who was not handed its certificate.
Standards: X.509 (RFC 5280), server identity (RFC 9525).
"""

import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from yikao_sim.providers.faults import Deed, Mischief

LIFETIME: Final = timedelta(days=1)
HERE: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class _Identity:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def context(self) -> ssl.SSLContext:
        """Return what a server shows; the files it is read from do not outlive this call."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as folder:
            chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
            chain.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
            key.write_bytes(
                self.key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
            context.load_cert_chain(chain, key)
        return context


@dataclass(frozen=True, slots=True)
class Tls:
    """What a server shows, and the PEM of the authority that a client has to be handed."""

    context: ssl.SSLContext
    authority_pem: str


def server_tls(mischief: Mischief, now: datetime | None = None) -> Tls:
    """Return a server's TLS at `now`, which shows a wrong certificate whenever `mischief` says."""
    at = now or datetime.now(UTC)
    authority = _make("yikao-sim authority", at, None, names=())
    shown = _make("localhost", at, authority).context()
    wrong = {
        "tls-self-signed": _make("localhost", at, None).context(),
        "tls-expired": _make("localhost", at - timedelta(days=7), authority).context(),
        "tls-wrong-name": _make("other", at, authority, names=("other.test",)).context(),
    }

    def choose(tls: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        fault = mischief.next({Deed.TLS})
        if fault is not None:
            tls.context = wrong[fault.name]

    # Called at each greeting, whether or not the client names a host.
    shown.sni_callback = choose
    pem = authority.certificate.public_bytes(serialization.Encoding.PEM)
    return Tls(shown, pem.decode())


def _make(
    subject: str, at: datetime, by: _Identity | None, names: tuple[str, ...] = HERE
) -> _Identity:
    """Return a certificate for `names`, signed by `by` or itself; without names, an authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(by.certificate.subject if by else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - LIFETIME)
        .not_valid_after(at + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([_general(each) for each in names])
        builder = builder.add_extension(alternatives, critical=False)
    return _Identity(builder.sign(by.key if by else key, hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
