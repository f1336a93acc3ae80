"""Pages by mail, on a real mail server that takes, refuses, hangs up or says nothing."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.channels.smtp import Smtp, SmtpServer, mail_of

PAGE_ID = UUID("12345678-1234-5678-1234-567812345678")
SENDER = "yikao@clinic.test"
QUICK_S = 0.3


def page(address: str = "wang@clinic.test", language: str = "zh", attempt: int = 1) -> OutgoingPage:
    link = "https://feed.test/p/token"
    return OutgoingPage(PAGE_ID, 7, address, language, "【红】医靠 #7 待处理", link, attempt)


class Post:
    """What the mail server does at each step; a reply, or what ends the conversation."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.at_recipient = "250 OK"
        self.at_content = "250 OK"
        self.hangs_up = False
        self.silent = threading.Event()

    async def handle_RCPT(  # noqa: N802  # the name aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        if self.at_recipient.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_recipient

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.append(envelope.content)
        if self.hangs_up:
            assert server.transport is not None
            server.transport.abort()
        return self.at_content

    async def handle_QUIT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return "500 no" if self.silent.is_set() else "221 bye"


@contextlib.contextmanager
def serving(post: Post, **settings: Any) -> Iterator[int]:
    """Run a mail server for the block; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(post, "127.0.0.1", port, **settings)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def send(port: int, outgoing: OutgoingPage | None = None, **server: Any) -> Outcome:
    settings: dict[str, Any] = {"tls": "none", "step_s": QUICK_S} | server
    channel = Smtp(SmtpServer("127.0.0.1", port, SENDER, **settings))
    return asyncio.run(channel.send(outgoing or page()))


def test_a_mail_that_was_taken_is_delivered() -> None:
    post = Post()
    with serving(post) as port:
        outcome = send(port)
    assert outcome == Delivered(f"<{PAGE_ID}@yikao>")
    (mail,) = post.mails
    assert b"To: wang@clinic.test" in mail
    assert "医靠 #7 待处理" in str(mail_of(page(), SENDER)["Subject"])


def test_each_attempt_is_the_same_mail_to_a_reader() -> None:
    first, again = (mail_of(page(attempt=attempt), SENDER) for attempt in (1, 2))
    assert first["Message-ID"] == again["Message-ID"]
    assert "Yikao #7 needs you" in str(mail_of(page(language="en"), SENDER)["Subject"])


@pytest.mark.parametrize("step", ["at_recipient", "at_content"])
@pytest.mark.parametrize(
    ("reply", "kind"), [("451 later", Retryable), ("550 no such mailbox", Permanent)]
)
def test_a_reply_says_whether_to_come_again(step: str, reply: str, kind: type[Outcome]) -> None:
    post = Post()
    setattr(post, step, reply)
    with serving(post) as port:
        assert send(port) == kind(f"mail server answered {reply[:3]}")


def test_hung_up_after_the_content_it_may_have_arrived() -> None:
    post = Post()
    post.hangs_up = True
    with serving(post) as port:
        assert isinstance(send(port), Ambiguous)
    assert len(post.mails) == 1


def test_a_leave_that_is_not_taken_changes_nothing() -> None:
    post = Post()
    post.silent.set()
    with serving(post) as port:
        assert isinstance(send(port), Delivered)


def test_nobody_listens() -> None:
    with serving(Post()) as port:
        pass
    assert isinstance(send(port), Retryable)


def test_a_server_that_says_nothing_is_left_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert isinstance(send(listener.getsockname()[1]), Retryable)


def test_a_server_without_the_wanted_encryption_gets_nothing() -> None:
    post = Post()
    with serving(post) as port:
        assert isinstance(send(port, tls="starttls"), Permanent)
    assert post.mails == []


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    post = Post()
    with serving(post, tls_context=self_signed(tmp_path)) as port:
        assert isinstance(send(port, tls="starttls"), Retryable)
    assert post.mails == []


def test_nor_does_one_that_speaks_tls_from_the_start(tmp_path: Path) -> None:
    refusals: list[str] = []

    def greet(listener: socket.socket) -> None:
        stranger, _ = listener.accept()
        try:
            context.wrap_socket(stranger, server_side=True)
        except ssl.SSLError as error:
            refusals.append(str(error))
        finally:
            stranger.close()

    context = self_signed(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeting = threading.Thread(target=greet, args=(listener,))
        greeting.start()
        assert isinstance(send(listener.getsockname()[1], tls="implicit"), Retryable)
        greeting.join()
    assert "unknown ca" in refusals[0]


def test_a_wrong_password_is_told_apart_from_a_server_that_is_away() -> None:
    post = Post()
    settings = {
        "authenticator": lambda *_: AuthResult(success=False, handled=False),
        "auth_require_tls": False,
    }
    with serving(post, **settings) as port:
        outcome = send(port, username="yikao", password=lambda: "wrong")
    assert outcome == Permanent("mail server answered 535")


@pytest.mark.parametrize("address", ["a@b\nBcc: c@d", ""])
def test_an_address_that_is_none_is_refused_for_good(address: str) -> None:
    post = Post()
    with serving(post) as port:
        assert isinstance(send(port, page(address)), Permanent)
    assert post.mails == []


def test_many_at_once_to_a_server_that_says_nothing() -> None:
    """More than a default pool of threads has: each gets its answer in time."""

    async def together(port: int) -> list[Outcome]:
        channel = Smtp(SmtpServer("127.0.0.1", port, SENDER, "none", step_s=QUICK_S))
        return await asyncio.gather(*(channel.send(page()) for _ in range(30)))

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        outcomes = asyncio.run(together(listener.getsockname()[1]))
    assert {type(outcome) for outcome in outcomes} == {Retryable}


def self_signed(folder: Path) -> ssl.SSLContext:
    """Return a server's context with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
