"""A channel for e-mail: one message, accepted when the server has taken its content.

Standard library only; the blocking conversation runs in a thread of its own.
"""

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from yikao_alerts.channels.channel import SEND_TIMEOUT_S, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable

STEP_S: Final = 5.0
THREADS: Final = 40
"""Conversations at once; no mail server likes more. Further ones wait for a thread."""
NO_SUCH_MAILBOX: Final = 550
NO_ADDRESS: Final = "the contact's address is no mail address; mend the registry"
SUBJECTS: Final = {"zh": "医靠 #{episode} 待处理", "en": "Yikao #{episode} needs you"}


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. `tls`: none (loopback only), starttls or implicit."""

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    username: str | None = None
    password: Callable[[], str] | None = None
    step_s: float = STEP_S
    """Longest wait for one answer."""


@dataclass(slots=True)
class _Progress:
    """How far a conversation has come, as seen from outside its thread."""

    handed_over: bool = False


class Smtp:
    """Sends pages as mail."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="smtp")

    async def send(self, page: OutgoingPage) -> Outcome:
        """Hand the page to the mail server."""
        try:
            message = mail_of(page, self._server.sender)
        except (ValueError, IndexError):
            return Permanent(NO_ADDRESS)
        progress = _Progress()
        talk = asyncio.get_running_loop().run_in_executor(
            self._threads, self._send, message, progress
        )
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                return await talk
        except TimeoutError:
            return _interrupted("TimeoutError", progress)

    def _send(self, message: EmailMessage, progress: _Progress) -> Outcome:
        try:
            with self._connected() as smtp:
                progress.handed_over = True
                smtp.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            return _by_code(next((code for code, _ in error.recipients.values()), NO_SUCH_MAILBOX))
        except smtplib.SMTPResponseException as error:
            return _by_code(error.smtp_code)
        except smtplib.SMTPNotSupportedError as error:
            return Permanent(f"the mail server cannot do what is needed: {error}")
        except (OSError, smtplib.SMTPException) as error:
            return _interrupted(type(error).__name__, progress)
        except ValueError:
            return Permanent(NO_ADDRESS)
        return Delivered(str(message["Message-ID"]))

    @contextlib.contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._server
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.tls == "implicit":
            smtp = smtplib.SMTP_SSL(
                server.host, server.port, timeout=server.step_s, context=context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=server.step_s)
        try:
            if server.tls == "starttls":
                smtp.starttls(context=context)
            if server.username and server.password:
                smtp.login(server.username, server.password())
            yield smtp
            # Taking leave decides nothing: the mail is taken.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.quit()
        finally:
            smtp.close()


def _interrupted(why: str, progress: _Progress) -> Outcome:
    """Return what a conversation that broke off means."""
    reason = f"mail server: {why}"
    return Ambiguous(reason) if progress.handed_over else Retryable(reason)


def mail_of(page: OutgoingPage, sender: str) -> EmailMessage:
    """Return the mail; the same page has the same Message-ID, so readers fold repetitions."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = page.address
    message["Subject"] = SUBJECTS[page.language].format(episode=page.episode_id)
    message["Message-ID"] = f"<{page.page_id}@yikao>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{page.body}\n{page.link}\n")
    return message


def _by_code(code: int) -> Outcome:
    """Return what an SMTP reply code means: 4xx passes, 5xx stays (RFC 5321, 4.2.1)."""
    reason = f"mail server answered {code}"
    return Permanent(reason) if 500 <= code < 600 else Retryable(reason)
