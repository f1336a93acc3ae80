"""A channel for the desk: the page is a line on the pager's own terminal or journal."""

import sys
from typing import TextIO

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Delivered, Outcome, Retryable


class Console:
    """Writes pages to a stream, one line each."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    async def send(self, page: OutgoingPage) -> Outcome:
        """Write the page and flush; a closed terminal is retried."""
        try:
            self._stream.write(f"PAGE {page.address}: {page.body} {page.link}\n")
            self._stream.flush()
        except (OSError, ValueError) as error:
            return Retryable(f"the terminal does not take it: {error}")
        return Delivered(f"console:{page.page_id}")
