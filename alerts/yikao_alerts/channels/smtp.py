"""A channel for e-mail: one message, accepted when the server has taken its content.

Standard library only; the blocking conversation runs in a thread of its own.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Final

from yikao_alerts.channels.channel import SEND_TIMEOUT_S, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable

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


class Smtp:
    """Sends pages as mail."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server

    async def send(self, page: OutgoingPage) -> Outcome:
        """Hand the page to the mail server."""
        return await asyncio.to_thread(self._send, page)

    def _send(self, page: OutgoingPage) -> Outcome:
        handed_over = False
        try:
            with self._connect() as smtp:
                message = mail_of(page, self._server.sender)
                handed_over = True
                smtp.send_message(message)
                handed_over = False
        except smtplib.SMTPRecipientsRefused as error:
            return _by_code(next(iter(error.recipients.values()))[0])
        except smtplib.SMTPResponseException as error:
            return _by_code(error.smtp_code)
        except (OSError, smtplib.SMTPException) as error:
            reason = f"mail server: {type(error).__name__}"
            return Ambiguous(reason) if handed_over else Retryable(reason)
        return Delivered(str(message["Message-ID"]))

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.tls == "implicit":
            smtp = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SEND_TIMEOUT_S, context=context
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=SEND_TIMEOUT_S)
        if server.tls == "starttls":
            smtp.starttls(context=context)
        if server.username and server.password:
            smtp.login(server.username, server.password())
        return smtp


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
