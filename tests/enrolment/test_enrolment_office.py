"""Who comes at the same moment, who comes again, and who comes with something else altogether."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from clinic import Signer
from enrolment_parts import GATEWAY, HOST, INVITE_MINUTES, register_without_key
from fix_database import DEADLINE_S

from yikao_alerts.working import connect
from yikao_devices.enrolment import (
    AUTHORITY_PATH,
    CLAIM_PATH,
    RENEWAL_PATH,
    REQUEST_BYTES_MAX,
    Claim,
    Granted,
    Refusal,
    Renewal,
    decode_refused,
    encode,
    statement,
)
from yikao_gateway.enrolment.certificate import DoorKey, new_key, read_certificate
from yikao_gateway.enrolment.https import Server, offered_authority, post
from yikao_ingest.enrolment.admin import invite, withdraw
from yikao_ingest.enrolment.authority import Authority, make_authority
from yikao_ingest.enrolment.role import EnrolServer, EnrolSettings
from yikao_ingest.enrolment.store import Answer, Office
from yikao_ingest.enrolment.tries import ADDRESS_TRIES
from yikao_ingest.signature import encode_base64url

BROKER = "mqtts://broker.example"


@dataclass(frozen=True)
class Keys:
    """Both keys of somebody who comes."""

    door: DoorKey = field(default_factory=new_key)
    signer: Signer = field(default_factory=lambda: Signer(GATEWAY))

    def claims(self, secret: str) -> Claim:
        csr = self.door.request()
        signature = self._signs(statement(secret, csr))
        return Claim(secret, csr, self.signer.public_text, signature)

    def renews(self, held: Granted, to: DoorKey) -> Renewal:
        csr = to.request()
        said = statement(held.gateway, csr)
        serial = read_certificate(held.certificate.encode()).serial
        return Renewal(held.gateway, serial, csr, self.door.sign(said), self._signs(said))

    def _signs(self, said: bytes) -> str:
        return encode_base64url(self.signer.private.sign(said))


@dataclass
class Scene:
    """An office with a database, and how to ask it."""

    dsn: str
    office: Office

    def invited(self) -> str:
        code = invite(self.dsn, self.office.authority, GATEWAY, INVITE_MINUTES, "nurse").code
        return code.secret

    def asked(self, *requests: Claim | Renewal) -> list[Answer]:
        """Return the answers to requests that come at the same moment."""

        async def one(request: Claim | Renewal) -> Answer:
            async with await connect(self.dsn) as conn:
                if isinstance(request, Claim):
                    return await self.office.claim(conn, request)
                return await self.office.renew(conn, request)

        async def everybody() -> list[Answer]:
            return await asyncio.gather(*map(one, requests))

        return asyncio.run(everybody())

    def granted(self, request: Claim | Renewal) -> Granted:
        (answer,) = self.asked(request)
        assert isinstance(answer, Granted), answer
        return answer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path / "ca", "Centre", datetime.now(UTC))


@pytest.fixture
def scene(plain_schema_url: str, authority: Authority) -> Scene:
    register_without_key(plain_schema_url)
    return Scene(plain_schema_url, Office(authority, BROKER))


def test_of_many_at_once_one_gets_it(scene: Scene) -> None:
    secret, everybody = scene.invited(), [Keys() for _ in range(6)]
    answers = scene.asked(*(keys.claims(secret) for keys in everybody))
    (granted,) = [one for one in answers if isinstance(one, Granted)]
    assert answers.count(Refusal.CODE_USED) == len(everybody) - 1
    winner = everybody[answers.index(granted)]
    with psycopg.connect(scene.dsn) as conn:
        rows = conn.execute("SELECT public_key FROM gateway WHERE enrolled_at IS NOT NULL")
        assert rows.fetchall() == [(winner.signer.public_text,)]


def test_who_comes_again_gets_the_same(scene: Scene) -> None:
    secret, keys = scene.invited(), Keys()
    answers = scene.asked(*(keys.claims(secret) for _ in range(4)))
    assert isinstance(answers[0], Granted)
    assert answers == [answers[0]] * 4
    next_key = new_key()
    renewed = scene.asked(*(keys.renews(answers[0], next_key) for _ in range(4)))
    assert isinstance(renewed[0], Granted)
    assert renewed == [renewed[0]] * 4 and renewed[0] != answers[0]
    assert scene.granted(keys.renews(answers[0], keys.door)) != answers[0], "for the key it has"


def test_a_withdrawn_one_gets_nothing_again_until_it_is_invited(scene: Scene) -> None:
    secret, keys = scene.invited(), Keys()
    held = scene.granted(keys.claims(secret))
    withdraw(scene.dsn, GATEWAY)
    assert scene.asked(keys.claims(secret), keys.renews(held, new_key())) == [
        Refusal.CODE_EXPIRED,
        Refusal.GATEWAY_WITHDRAWN,
    ]
    again = scene.granted(keys.claims(scene.invited()))
    assert again.certificate != held.certificate
    assert scene.asked(keys.renews(held, new_key())) == [Refusal.GATEWAY_WITHDRAWN]
    assert scene.granted(Keys(keys.door, keys.signer).renews(again, new_key()))


def test_a_claim_without_both_keys_is_refused(scene: Scene) -> None:
    claim = Keys().claims(scene.invited())
    for faulty in (
        Claim(claim.secret, claim.csr, Signer(GATEWAY).public_text, claim.signature),
        Claim(claim.secret, Keys().door.request(), claim.public_key, claim.signature),
        Claim(claim.secret, "no request", claim.public_key, claim.signature),
    ):
        assert scene.asked(faulty) == [Refusal.PROOF_WRONG]
    unknown = Keys().claims("0" * 16)
    assert scene.asked(unknown) == [Refusal.CODE_UNKNOWN]
    assert isinstance(scene.granted(claim), Granted), "and none of that has used the code"


@pytest.fixture
def counter(scene: Scene) -> Iterator[Callable[[str, bytes], tuple[int, bytes]]]:
    """The counter itself, over HTTPS; gives how to post something to it."""
    authority, ready = scene.office.authority, threading.Event()
    settings = EnrolSettings(scene.dsn, BROKER, (HOST,), (HOST, 0), authority)
    server = EnrolServer(settings, datetime.now(UTC), ready.set)
    thread = threading.Thread(target=server.serve_here)
    thread.start()
    assert ready.wait(DEADLINE_S)
    there = Server(HOST, server.port)
    assert offered_authority(there) == authority.pem.encode()
    yield lambda path, body: post(there, authority.pem.encode(), path, body)
    server.should_exit = True
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


Post = Callable[[str, bytes], tuple[int, bytes]]


def test_what_is_no_request_is_told_so(counter: Post) -> None:
    long = b" " * (REQUEST_BYTES_MAX + 1)
    for body in (b"{}", b"\xff", b"[" * 5_000, long, b'{"secret":"short"}'):
        for path in (CLAIM_PATH, RENEWAL_PATH):
            status, answer = counter(path, body)
            assert (status, decode_refused(answer).code) == (400, "unreadable")
    status, _ = counter(AUTHORITY_PATH, b"{}")
    assert status == 405


def test_who_tries_too_often_waits_and_may_still_renew(counter: Post) -> None:
    body = encode(Keys().claims("0" * 16))
    statuses = [counter(CLAIM_PATH, body)[0] for _ in range(ADDRESS_TRIES + 1)]
    assert statuses == [403] * ADDRESS_TRIES + [429]
    assert counter(RENEWAL_PATH, b"{}")[0] == 400


def test_without_its_database_it_says_so_and_goes_on(scene: Scene, counter: Post) -> None:
    body = encode(Keys().claims(scene.invited()))
    with psycopg.connect(scene.dsn, autocommit=True) as conn:
        conn.execute("ALTER TABLE gateway_invite RENAME TO elsewhere")
        status, answer = counter(CLAIM_PATH, body)
        assert (status, decode_refused(answer).code) == (503, "away")
        conn.execute("ALTER TABLE elsewhere RENAME TO gateway_invite")
    assert counter(CLAIM_PATH, body)[0] == 200
