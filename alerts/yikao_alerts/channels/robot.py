"""What the robots of group chats have in common: an address with a token, and a secret of its own.

A robot's secret signs each call with the time; one whose secret is not known is called unsigned.
"""

import time
from collections.abc import Callable, Mapping

from yikao_alerts.channels.http import Http


class Robot:
    """A channel's connections, its robots' `secrets` by token, and the clock that signs."""

    def __init__(
        self,
        secrets: Mapping[str, str],
        http: Http | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._secrets = secrets
        self._http = http or Http()
        self._now_s = now_s

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.close()
