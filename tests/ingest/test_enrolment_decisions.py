"""Who gets a certificate, how often one may ask, and what stands in the certificates."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clinic import NOW, Signer, base64url, directory, pressure
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.rules import RuleSet
from yikao_devices.enrolment import SENTENCES, Claim, Refusal, Renewal, sentence, statement
from yikao_ingest.accept import Quarantined, identify, judge
from yikao_ingest.enrolment.authority import GATEWAY_LIFE, Authority, load_authority, make_authority
from yikao_ingest.enrolment.decide import (
    Grant,
    Holding,
    Invite,
    Standing,
    claim_proved,
    judge_claim,
    judge_renewal,
)
from yikao_ingest.enrolment.role import enrol_settings
from yikao_ingest.enrolment.tries import ADDRESS_TRIES, ADDRESSES_MAX, ALL_TRIES, REFILL_S, Tries
from yikao_ingest.enrolment.x509 import NotUsableError, requested_key, withdrawn_in
from yikao_ingest.errors import ServerError
from yikao_ingest.reasons import Reason
from yikao_ingest.receipts import receipt
from yikao_ingest.settings import (
    CA_DIR,
    DATABASE_URL,
    ENROL_BROKER_URL,
    ENROL_LISTEN,
    ENROL_URL,
)

SECOND = timedelta(seconds=1)
SOON = NOW + timedelta(minutes=10)
MINE, THEIRS = b"mine", b"theirs"
SECRET = "0123456789ABCDEF"


def csr_of(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """Return a request as anybody could write it, with a name in it that does not count."""
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gw-9")])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = x509.CertificateSigningRequestBuilder().subject_name(named)
    return builder.sign(key, algorithm).public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("invite", "keys", "now", "verdict"),
    [
        (None, MINE, NOW, Refusal.CODE_UNKNOWN),
        (Invite("gw-1", SOON, None), MINE, NOW, Grant.NEW),
        (Invite("gw-1", SOON, None), MINE, SOON - SECOND, Grant.NEW),
        (Invite("gw-1", SOON, None), MINE, SOON, Refusal.CODE_EXPIRED),
        (Invite("gw-1", SOON, MINE), MINE, NOW, Grant.SAME),
        (Invite("gw-1", SOON, MINE), MINE, SOON, Refusal.CODE_EXPIRED),
        (Invite("gw-1", SOON, MINE), THEIRS, NOW, Refusal.CODE_USED),
        (Invite("gw-1", SOON, MINE), THEIRS, SOON, Refusal.CODE_USED),
    ],
)
def test_what_a_code_is_good_for(
    invite: Invite | None, keys: bytes, now: datetime, verdict: Grant | Refusal
) -> None:
    assert judge_claim(invite, keys, now) == verdict


@given(st.sampled_from(["secret", "csr", "public_key", "signature"]))
def test_a_claim_is_proved_as_a_whole(changed: str) -> None:
    signer = Signer("gw-1")
    csr = "a request"
    signature = base64url(signer.private.sign(statement(SECRET, csr)))
    claim = Claim(SECRET, csr, signer.public_text, signature)
    assert claim_proved(claim)
    other = {
        "secret": SECRET[::-1],
        "csr": "another",
        "public_key": Signer("gw-1").public_text,
        "signature": base64url(signer.private.sign(b"something else")),
    }
    values = {name: getattr(claim, name) for name in claim.__struct_fields__}
    assert not claim_proved(Claim(**values | {changed: other[changed]}))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority of its own."""
    return make_authority(tmp_path / "ca", "Centre", NOW)


def test_a_renewal_needs_both_keys_and_a_certificate_that_is_good(authority: Authority) -> None:
    signer, key, next_key = Signer("gw-1"), *(ec.generate_private_key(ec.SECP256R1()) for _ in "ab")
    issued, _ = authority.for_gateway("gw-1", csr_of(key), NOW)
    csr = csr_of(next_key)
    said = statement("gw-1", csr)

    def asks(*, by: ec.EllipticCurvePrivateKey = key, signed_by: Signer = signer) -> Renewal:
        proof = base64url(by.sign(said, ec.ECDSA(hashes.SHA256())))
        return Renewal("gw-1", issued.serial, csr, proof, base64url(signed_by.private.sign(said)))

    standing = Standing("t", signer.public_text, None)
    holding = Holding(issued.pem, issued.expires_at, None)
    late, gone = issued.expires_at, NOW
    for asked, stands, holds, now, verdict in (
        (asks(), standing, holding, NOW, Grant.NEW),
        (asks(), standing, holding, late - SECOND, Grant.NEW),
        (asks(), standing, holding, late, Refusal.CERTIFICATE_EXPIRED),
        (asks(), None, holding, NOW, Refusal.CERTIFICATE_UNKNOWN),
        (asks(), standing, None, NOW, Refusal.CERTIFICATE_UNKNOWN),
        (asks(by=next_key), standing, holding, NOW, Refusal.PROOF_WRONG),
        (asks(signed_by=Signer("gw-1")), standing, holding, NOW, Refusal.PROOF_WRONG),
        (asks(), Standing("t", "", None), holding, NOW, Refusal.PROOF_WRONG),
        (
            asks(),
            Standing("t", signer.public_text, gone),
            holding,
            NOW,
            Refusal.GATEWAY_WITHDRAWN,
        ),
        (asks(), standing, Holding(issued.pem, late, gone), NOW, Refusal.GATEWAY_WITHDRAWN),
        (asks(by=next_key), standing, holding, late, Refusal.PROOF_WRONG),
    ):
        assert judge_renewal(asked, stands, holds, now) == verdict


def test_nothing_is_taken_from_a_withdrawn_gateway(rules: RuleSet) -> None:
    """Not what it measured, whoever signs, nor what it says of itself; its receipt says why."""
    signer, other = Signer("gw-1"), Signer("gw-2")
    known = directory(signer, other)
    gateways = {**known.gateways, "gw-1": replace(known.gateways["gw-1"], withdrawn=True)}
    gone = replace(known, gateways=gateways)
    judged = judge(signer.send(pressure()), gone, rules, NOW)
    (item,) = judged.items
    assert isinstance(item, Quarantined)
    assert (item.reason, judged.whole) == (Reason.GATEWAY_WITHDRAWN, True)
    told = receipt(judged, NOW)
    assert told is not None and told.code == Reason.GATEWAY_WITHDRAWN
    assert isinstance(identify(signer.status("online", 1), gone), Quarantined)
    assert not isinstance(identify(other.status("online", 1), gone), Quarantined)


def test_every_refusal_has_a_sentence_and_a_newer_one_too() -> None:
    assert SENTENCES.keys() == set(Refusal)
    assert "from_the_future" in sentence("from_the_future").en


def test_a_certificate_says_who_for_how_long_and_for_what(authority: Authority) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    issued, _ = authority.for_gateway("gw-1", csr_of(key), NOW)
    made = x509.load_pem_x509_certificate(issued.pem.encode())
    assert made.subject.rfc4514_string() == "CN=gw-1", "not what the request says"
    assert made.not_valid_after_utc == NOW + GATEWAY_LIFE
    assert made.not_valid_before_utc < NOW
    uses = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    made.verify_directly_issued_by(authority.signer.certificate)
    end = authority.signer.certificate.not_valid_after_utc
    last, _ = authority.for_gateway("gw-1", csr_of(key), end - timedelta(days=1))
    assert last.expires_at == end, "none outlives its authority"


@pytest.mark.parametrize("kind", ["ed25519", "p384", "torn", "none"])
def test_a_request_that_is_none_is_refused(kind: str) -> None:
    good = csr_of(ec.generate_private_key(ec.SECP256R1()))
    csr = {
        "ed25519": csr_of(ed25519.Ed25519PrivateKey.generate()),
        "p384": csr_of(ec.generate_private_key(ec.SECP384R1())),
        "torn": good[:200] + good[240:],
        "none": "",
    }[kind]
    with pytest.raises(NotUsableError):
        requested_key(csr)


def test_the_signature_of_a_request_counts() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    lines = csr_of(key).splitlines()
    body = lines[-2]
    lines[-2] = ("A" if body[0] != "A" else "B") + body[1:]
    with pytest.raises(NotUsableError):
        requested_key("\n".join(lines) + "\n")


def test_the_list_is_written_when_it_has_changed(authority: Authority) -> None:
    assert not authority.write_withdrawn({}, NOW)
    assert authority.write_withdrawn({"ab12": NOW}, NOW)
    assert not authority.write_withdrawn({"ab12": NOW}, NOW + SECOND)
    assert withdrawn_in(authority.crl_file.read_bytes()) == {"ab12"}
    crl = x509.load_pem_x509_crl(authority.crl_file.read_bytes())
    assert crl.next_update_utc == authority.signer.certificate.not_valid_after_utc
    authority.crl_file.write_bytes(b"torn")
    assert authority.write_withdrawn({}, NOW)


def test_an_authority_is_made_once_and_never_quietly_replaced(authority: Authority) -> None:
    folder = authority.folder
    assert load_authority({CA_DIR: str(folder)}).pem == authority.pem
    with pytest.raises(ServerError, match="has an authority already"):
        make_authority(folder, "Centre", NOW)
    (folder / "ca.crt").write_text("torn", "utf-8")
    with pytest.raises(ServerError, match="cannot be read"):
        load_authority({CA_DIR: str(folder)})
    (folder / "ca.key").unlink()
    with pytest.raises(ServerError, match="make an authority"):
        load_authority({CA_DIR: str(folder)})
    make_authority(folder, "Centre", datetime.now(UTC))


def test_keys_of_two_authorities_do_not_mix(tmp_path: Path, authority: Authority) -> None:
    other = make_authority(tmp_path / "other", "Other", NOW)
    key = (authority.folder / "ca.key").read_bytes()
    (other.folder / "ca.key").write_bytes(key)
    with pytest.raises(ServerError, match="do not belong together"):
        load_authority({CA_DIR: str(other.folder)})


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        (ENROL_URL, "", "set it, how a gateway"),
        (ENROL_URL, "http://enrol.example", "https://HOST:PORT"),
        (ENROL_URL, "https://enrol.example:99999", "https://HOST:PORT"),
        (ENROL_BROKER_URL, "mqtt://broker.example", "mqtts://HOST:PORT"),
        (ENROL_LISTEN, "8322", "HOST:PORT"),
        (CA_DIR, "", "yikao gateway ca init"),
        (DATABASE_URL, "", "is not set"),
    ],
)
def test_the_role_says_what_it_is_not_told(
    authority: Authority, variable: str, value: str, told: str
) -> None:
    environ = {
        DATABASE_URL: "postgresql://nowhere",
        CA_DIR: str(authority.folder),
        ENROL_URL: "https://enrol.example:8322",
        ENROL_BROKER_URL: "mqtts://broker.example",
    }
    settings = enrol_settings(environ)
    assert (settings.hosts, settings.listen) == (("enrol.example",), ("127.0.0.1", 8322))
    with pytest.raises(ServerError, match=re.escape(told)):
        enrol_settings(environ | {variable: value})


def test_an_address_has_its_tries_and_they_come_back() -> None:
    tries = Tries()
    assert all(tries.allow("10.0.0.1", 0.0) for _ in range(ADDRESS_TRIES))
    assert not tries.allow("10.0.0.1", 0.0)
    assert tries.allow("10.0.0.2", 0.0)
    assert tries.allow("10.0.0.1", REFILL_S / ADDRESS_TRIES + 0.1)
    assert not tries.allow("10.0.0.1", REFILL_S / ADDRESS_TRIES + 0.2)


def test_many_addresses_together_have_a_bound_too() -> None:
    tries = Tries()
    taken = sum(tries.allow(f"10.0.{n // 250}.{n % 250}", 0.0) for n in range(2 * ALL_TRIES))
    assert taken == ALL_TRIES
    assert not Tries(together=0).allow("10.0.0.1", 0.0)


def test_a_network_of_ipv6_is_one_and_the_memory_has_an_end() -> None:
    tries = Tries(together=10**9)
    assert all(tries.allow(f"2001:db8::{n:x}", 0.0) for n in range(ADDRESS_TRIES))
    assert not tries.allow("2001:db8::ffff", 0.0)
    for number in range(ADDRESSES_MAX + 1):
        tries.allow(f"2001:db8:{number:x}::1", 0.0)
    assert len(tries._buckets) == ADDRESSES_MAX
