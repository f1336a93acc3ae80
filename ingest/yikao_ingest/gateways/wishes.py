"""Hands on what gateways are to do differently: from the database to the broker.

The database has the truth; a copy that the broker kept would be a second one, which a restored
backup contradicts. A gateway says at each connection what it does, and whoever is behind is sent
the newest wish again (`gateway_configuration_state` in queries.sql).
"""

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from yikao_alerts.sql_blocks import load_sql_blocks
from yikao_devices import topics
from yikao_ingest.store import Store
from yikao_ingest.subscriber import Subscriber

SQL: Final = load_sql_blocks("yikao_ingest", "sql/gateways.sql")
LOOK_S: Final = 0.5
"""How often the database is asked, however many batches there are in between."""


@dataclass(slots=True)
class Wishes:
    """What is to be sent; for the one active ingest."""

    _asked_s: float = float("-inf")

    def send(self, store: Store, subscriber: Subscriber, now: datetime) -> None:
        """Send what was not sent yet; what cannot be sent now is sent next time."""
        at_s = time.monotonic()
        if at_s - self._asked_s < LOOK_S:
            return
        self._asked_s = at_s
        with store.together() as conn:
            for tenant, gateway, revision, wished in conn.execute(SQL["unsent_wishes"]).fetchall():
                address = topics.topic(tenant, gateway, topics.CONFIGURATION)
                if subscriber.publish(address, wished.encode()):
                    key = {"gateway_id": gateway, "revision": revision, "now": now}
                    conn.execute(SQL["wish_sent"], key)
