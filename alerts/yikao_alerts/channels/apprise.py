"""Everything else: one adapter for services that the library Apprise speaks to, of an allow-list.

Apprise says whether a service took a message and not why it did not: too many messages, a wrong
key and a silent network look the same. So that each failure is ambiguous, tried again, and after a
minute the next contact is used. Only plugins that were seen to report every refusal are let in.
Standard: Apprise's URLs; redirects off, its own timeouts below ours (`rto`, `cto`).
"""

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from yikao_alerts.channels.addresses import address_fits
from yikao_alerts.channels.channel import SEND_TIMEOUT_S, OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable

THREADS: Final = 8
"""Messages at once; a further one is tried again, so that a slow service fills no queue."""
CONNECT_S: Final = 3.0
ANSWER_S: Final = 5.0
SETTINGS: Final = {
    "redirect": "no",
    "verify": "yes",
    "cto": str(CONNECT_S),
    "rto": str(ANSWER_S),
    "retry": "0",
    "overflow": "truncate",
}
"""What Apprise is told whatever the address says."""

Notify = Callable[[str, str], bool]
"""Sends a text to an address; whether the service took it. Raises `ValueError` for no address."""


class AppriseMissingError(Exception):
    """The library is not installed."""


def load_apprise() -> Notify:
    """Return the library's one function that is used; refuses with `AppriseMissingError`."""
    try:
        from apprise import Apprise
    except ImportError as error:
        raise AppriseMissingError from error
    # Its log lines hold addresses, and with them keys.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    # All plugins are loaded with the first address: now, and not with the first page.
    with warnings.catch_warnings(action="ignore"):
        Apprise.instantiate("json://localhost")

    def notify(address: str, text: str) -> bool:
        service: Any = Apprise()
        if not service.add(address):
            raise ValueError("not an address of Apprise's")
        return bool(service.notify(body=text))

    return notify


class AppriseChannel:
    """Sends pages by Apprise, each in a thread of its own, at most `THREADS` at once."""

    def __init__(self, notify: Notify, timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._notify = notify
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="apprise")
        self._free = threading.BoundedSemaphore(THREADS)

    async def send(self, page: OutgoingPage) -> Outcome:
        """Send the page; whatever is not a success may have arrived."""
        if not address_fits("apprise", page.address):
            return Permanent("the contact's address is none of the allowed services'")
        if not self._free.acquire(blocking=False):
            return Retryable("every thread is waiting for a service")
        text = f"{page.body}\n{page.link}".strip()
        loop = asyncio.get_running_loop()
        talk = loop.run_in_executor(self._threads, self._send, page, text)
        try:
            async with asyncio.timeout(self._timeout_s):
                return await asyncio.shield(talk)
        except TimeoutError:
            return Ambiguous("handed over, then TimeoutError")

    def _send(self, page: OutgoingPage, text: str) -> Outcome:
        try:
            taken = self._notify(settled(page.address), text)
        except ValueError:
            return Permanent("the contact's address is none of Apprise's; mend the registry")
        except Exception as error:  # a plugin may raise anything
            return Ambiguous(f"handed over, then {type(error).__name__}")
        finally:
            self._free.release()
        if taken:
            return Delivered(f"apprise:{page.page_id}")
        return Ambiguous("not taken, and Apprise does not say why")

    async def close(self) -> None:
        """Let go of the threads; none of them works longer than its own timeout."""
        self._threads.shutdown(wait=False)


def settled(address: str) -> str:
    """Return the address with our `SETTINGS` in place of its own."""
    target, _, query = address.partition("?")
    kept = [(name, value) for name, value in parse_qsl(query) if name not in SETTINGS]
    return f"{target}?{urlencode([*kept, *SETTINGS.items()])}"
