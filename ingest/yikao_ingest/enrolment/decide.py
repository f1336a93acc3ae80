"""Who gets a certificate: every decision about a code or a renewal, without a database or a clock.

A code is good once. The same keys may ask again while it lives, for an answer can get lost on its
way and must not strand a gateway in somebody's home; any other key is refused.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from hashlib import sha256

from yikao_devices.enrolment import Claim, Refusal, Renewal, statement
from yikao_ingest.enrolment.x509 import signed_by
from yikao_ingest.signature import PUBLIC_KEY_BYTES, SIGNATURE_BYTES, decode_base64url, genuine


class Grant(Enum):
    """What a good request gets."""

    NEW = "new"
    """A new certificate."""
    SAME = "same"
    """The one that was issued for this very key."""


Verdict = Grant | Refusal


@dataclass(frozen=True, slots=True)
class Invite:
    """A code as it is stored; `keys_hash`: of who has used it."""

    gateway: str
    expires_at: datetime
    keys_hash: bytes | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A gateway as it is stored."""

    tenant: str
    public_key: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holding:
    """A certificate that a gateway has, as it is stored."""

    certificate: str
    expires_at: datetime
    withdrawn_at: datetime | None


def secret_hash(secret: str) -> bytes:
    """Return what is stored of a code: of 80 random bits a plain hash gives nothing away."""
    return sha256(secret.encode()).digest()


def both_keys(key_hash: bytes, public_key: str) -> bytes:
    """Return by what the keys of a request are known again."""
    return sha256(key_hash + public_key.encode()).digest()


def claim_proved(claim: Claim) -> bool:
    """Return whether who claims has the Ed25519 key that comes with it."""
    said = statement(claim.secret, claim.csr)
    return _ed25519(claim.public_key, claim.signature, said)


def judge_claim(invite: Invite | None, keys: bytes, now: datetime) -> Verdict:
    """Return what the holder of a code gets at `now`. keys: `both_keys` of the request.

    The code was looked up by its hash, so that no comparison here takes longer for a better guess.
    """
    if invite is None:
        return Refusal.CODE_UNKNOWN
    if invite.keys_hash is not None and not hmac.compare_digest(invite.keys_hash, keys):
        return Refusal.CODE_USED
    if now >= invite.expires_at:
        return Refusal.CODE_EXPIRED
    return Grant.NEW if invite.keys_hash is None else Grant.SAME


def judge_renewal(
    renewal: Renewal, standing: Standing | None, holding: Holding | None, now: datetime
) -> Verdict:
    """Return what a gateway gets that asks by the certificate it has.

    Whether it asks for the first time or again the caller sees by the key. The proofs come before
    any word on the gateway: who has no key of it learns nothing.
    """
    if standing is None or holding is None:
        return Refusal.CERTIFICATE_UNKNOWN
    said = statement(renewal.gateway, renewal.csr)
    if not _ed25519(standing.public_key, renewal.signature, said):
        return Refusal.PROOF_WRONG
    # An ECDSA signature has no fixed length.
    proof = decode_base64url(renewal.proof, len(renewal.proof) * 3 // 4)
    if proof is None or not signed_by(holding.certificate, proof, said):
        return Refusal.PROOF_WRONG
    if standing.withdrawn_at is not None or holding.withdrawn_at is not None:
        return Refusal.GATEWAY_WITHDRAWN
    return Refusal.CERTIFICATE_EXPIRED if now >= holding.expires_at else Grant.NEW


def _ed25519(public_key: str, signature: str, said: bytes) -> bool:
    key = decode_base64url(public_key, PUBLIC_KEY_BYTES)
    made = decode_base64url(signature, SIGNATURE_BYTES)
    return key is not None and made is not None and genuine(key, made, said)
