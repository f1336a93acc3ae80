"""From a claim code to a certificate, and from a certificate to the next one.

First contact: the code says by its letters which authority is the right one. So the server is asked
for its authority's certificate without believing it, and only if that fits the code is the secret
sent, over a second connection on which that authority proves the server.
"""

from hashlib import sha256
from pathlib import Path

from msgspec import DecodeError

from yikao_devices.claim_code import ClaimCode
from yikao_devices.enrolment import (
    CLAIM_PATH,
    RENEWAL_PATH,
    Claim,
    Granted,
    Renewal,
    decode_granted,
    decode_refused,
    encode,
    sentence,
    statement,
)
from yikao_gateway.enrolment.certificate import (
    Certificate,
    DoorKey,
    read_authority,
    read_certificate,
)
from yikao_gateway.enrolment.enrolled import Facts
from yikao_gateway.enrolment.folder import Enrolment, open_folder
from yikao_gateway.enrolment.https import (
    GOOD,
    Server,
    offered_authority,
    post,
    server_at,
)
from yikao_gateway.errors import EnrolmentError, EnrolmentRefused, ServerUnreachable
from yikao_gateway.keys import SigningKey

WRONG_AUTHORITY = (
    "{url} is not the server that made this code, or somebody stands in between: look at the "
    "address  服务器与注册码不符，请核对地址"
)


def enrol(
    state: Path, signing: SigningKey, server: Server, code: ClaimCode, trust: bytes | None
) -> tuple[Facts, Certificate]:
    """Get a certificate for a code, keep it, and return what it says.

    With the code that brought the present one, as after a kill at the very end, nothing is left to
    do. trust: authorities (PEM) by which the server proves itself, where it is not the code's own.
    Raises `ServerUnreachable`, `EnrolmentRefused`, `EnrolmentError`, `StorageError`.
    """
    with open_folder(state) as folder:
        if (held := folder.kept()) is not None and held.facts.code == _hash(code):
            return held.facts, read_certificate(held.certificate)
        if trust is None:
            trust = _named(code, offered_authority(server), server)
        key = folder.waiting_key()
        csr = key.request()
        signature = signing.sign(statement(code.secret, csr))
        claim = Claim(code.secret, csr, signing.public_text, signature)
        granted = _granted(post(server, trust, CLAIM_PATH, encode(claim)))
        _named(code, granted.authority.encode(), server)
        enrolment = _checked(granted, key, server.url, trust, _hash(code))
        folder.keep(enrolment)
    return enrolment.facts, read_certificate(enrolment.certificate)


def renew(state: Path, signing: SigningKey) -> Certificate:
    """Get the next certificate by the one we have, keep it, and return what it says.

    Raises `ServerUnreachable`, `EnrolmentRefused`, `EnrolmentError`, `StorageError`.
    """
    with open_folder(state) as folder:
        held = folder.read()
        serial = read_certificate(held.certificate).serial
        key = folder.waiting_key()
        csr, gateway = key.request(), held.facts.gateway
        said = statement(gateway, csr)
        renewal = Renewal(gateway, serial, csr, held.key.sign(said), signing.sign(said))
        server = server_at(held.facts.server)
        granted = _granted(post(server, held.server_trust, RENEWAL_PATH, encode(renewal)))
        authority = read_authority(granted.authority.encode())
        if granted.gateway != gateway or authority.pem != held.authority:
            raise EnrolmentError("the server speaks for another gateway or authority: enrol again")
        facts = held.facts
        enrolment = _checked(granted, key, facts.server, held.server_trust, facts.code)
        folder.keep(enrolment)
    return read_certificate(enrolment.certificate)


def _named(code: ClaimCode, offered: bytes, server: Server) -> bytes:
    """Return the authority that was offered (PEM), if it is the one that the code names."""
    authority = read_authority(offered)
    if not code.names(authority.der):
        raise EnrolmentError(WRONG_AUTHORITY.format(url=server.url))
    return authority.pem


def _granted(answer: tuple[int, bytes]) -> Granted:
    status, body = answer
    try:
        if status == GOOD:
            return decode_granted(body)
        code = decode_refused(body).code
    except (DecodeError, UnicodeDecodeError) as error:
        raise ServerUnreachable(f"the server answers {status}: is it `yikao enrol`?") from error
    raise EnrolmentRefused(code, *sentence(code))


def _checked(granted: Granted, key: DoorKey, server: str, trust: bytes, code: str) -> Enrolment:
    """Return what is to be kept. Refuses with `EnrolmentError` what the broker would not take."""
    certificate = granted.certificate.encode()
    authority = read_authority(granted.authority.encode()).pem
    key.check(certificate, authority)
    if read_certificate(certificate).gateway != granted.gateway:
        raise EnrolmentError("the server sent a certificate for another gateway: look at its log")
    facts = Facts(granted.gateway, granted.tenant, granted.broker_url, server, code)
    return Enrolment(facts, certificate, key, authority, trust)


def _hash(code: ClaimCode) -> str:
    return sha256(code.secret.encode()).hexdigest()
