"""What gateway and server say to each other over HTTPS so that a gateway gets its certificate.

First with a claim code (`Claim`), later with the certificate it has (`Renewal`); the answer is
`Granted`, or `Refused` with a code for which there is a sentence in both languages. Each request
proves that its sender has both keys: the certificate request is signed with the one it is for, and
`signature` is made with the gateway's Ed25519 key over `statement`.

Standards: RFC 2986 (certificate request), RFC 7468 (PEM), RFC 8032 (Ed25519). JSON, UTF-8.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, NamedTuple

from msgspec import Meta, Struct, json

from yikao_devices.claim_code import ALPHABET, SECRET_LETTERS
from yikao_devices.wire import Name

AUTHORITY_PATH: Final = "/v1/authority"
CLAIM_PATH: Final = "/v1/claim"
RENEWAL_PATH: Final = "/v1/renewal"
REQUEST_BYTES_MAX: Final = 16 * 1024
ANSWER_BYTES_MAX: Final = 64 * 1024
PEM_MAX: Final = 8 * 1024
"""Characters of a certificate or request; those of P-256 have about 900."""
LIFE_DAYS: Final = 90
"""Of a gateway's certificate."""

Secret = Annotated[str, Meta(pattern=f"^[{ALPHABET}]{{{SECRET_LETTERS}}}$")]
Pem = Annotated[str, Meta(max_length=PEM_MAX)]
Base64url = Annotated[str, Meta(max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]
Serial = Annotated[str, Meta(max_length=40, pattern=r"^[0-9a-f]+$")]
Url = Annotated[str, Meta(max_length=300)]


class Claim(Struct, frozen=True):
    """Who has the code asks for a certificate, and brings the key its readings are signed with."""

    secret: Secret
    csr: Pem
    public_key: Base64url
    signature: Base64url


class Renewal(Struct, frozen=True):
    """A gateway asks for its next certificate. proof: by the key of the one it has, `serial`."""

    gateway: Name
    serial: Serial
    csr: Pem
    proof: Base64url
    signature: Base64url


class Granted(Struct, frozen=True):
    """The certificate, the authority's, and all else that a gateway has to be told once."""

    gateway: Name
    tenant: Name
    broker_url: Url
    certificate: Pem
    authority: Pem


class Refusal(StrEnum):
    """Why there is no certificate."""

    UNREADABLE = "unreadable"
    CODE_UNKNOWN = "code_unknown"
    CODE_USED = "code_used"
    CODE_EXPIRED = "code_expired"
    PROOF_WRONG = "proof_wrong"
    CERTIFICATE_UNKNOWN = "certificate_unknown"
    CERTIFICATE_EXPIRED = "certificate_expired"
    GATEWAY_WITHDRAWN = "gateway_withdrawn"
    TOO_MANY = "too_many"
    AWAY = "away"


class Refused(Struct, frozen=True):
    """The server's no; `code` is a `Refusal`, or one of a newer server."""

    code: Annotated[str, Meta(max_length=48)]


class Sentence(NamedTuple):
    """What happened and what to do, in the two languages of the product."""

    zh: str
    en: str


SENTENCES: Final[Mapping[str, Sentence]] = {
    Refusal.UNREADABLE: Sentence(
        "服务器看不懂请求：请核对网关与服务器的版本",
        "the server cannot read the request: compare the versions of gateway and server",
    ),
    Refusal.CODE_UNKNOWN: Sentence(
        "服务器不认识这个注册码：请核对，或重新生成一个",
        "the server does not know this code: look at it again, or have a new one made",
    ),
    Refusal.CODE_USED: Sentence(
        "这个注册码已被另一台网关用过：请查明是谁，并重新生成一个",
        "another gateway has used this code: find out which, and have a new one made",
    ),
    Refusal.CODE_EXPIRED: Sentence(
        "注册码已过期：请重新生成一个", "the code is too old: have a new one made"
    ),
    Refusal.PROOF_WRONG: Sentence(
        "签名与密钥不符：网关的文件可能已损坏，请用新注册码重新注册",
        "the signatures do not fit the keys: enrol again with a new code",
    ),
    Refusal.CERTIFICATE_UNKNOWN: Sentence(
        "服务器没有发过这张证书：请用新注册码重新注册",
        "the server has not issued this certificate: enrol again with a new code",
    ),
    Refusal.CERTIFICATE_EXPIRED: Sentence(
        "证书已过期，不能自动续期：请用新注册码重新注册",
        "the certificate has expired and cannot be renewed: enrol again with a new code",
    ),
    Refusal.GATEWAY_WITHDRAWN: Sentence(
        "这台网关已被停用：要重新启用，请用新注册码注册",
        "this gateway was withdrawn: to use it again enrol it with a new code",
    ),
    Refusal.TOO_MANY: Sentence(
        "尝试次数太多：请十分钟后再试", "too many tries: try again in ten minutes"
    ),
    Refusal.AWAY: Sentence(
        "服务器暂时无法工作：请稍后再试", "the server cannot work now: try later"
    ),
}


def sentence(code: str) -> Sentence:
    """Return what happened and what to do."""
    newer = Sentence(f"服务器拒绝（{code}）", f"the server refuses ({code})")
    return SENTENCES.get(code, newer)


def statement(about: str, csr: str) -> bytes:
    """Return what is signed: for whom (the code's secret, or the gateway), and the request.

    Of `about` only a hash is in it, and the beginning keeps it from being taken for a message.
    """
    digests = (hashlib.sha256(text.encode()).hexdigest() for text in (about, csr))
    return "\n".join(("yikao enrolment 1", *digests)).encode()


encode = json.Encoder().encode
decode_claim = json.Decoder(Claim).decode
decode_renewal = json.Decoder(Renewal).decode
decode_granted = json.Decoder(Granted).decode
decode_refused = json.Decoder(Refused).decode
