"""Hands on what is to be said at home: from the database to the broker, each once.

What is wanted no more before its time goes out once more, and has expired then: the gateway drops
what it has kept.
"""

from datetime import datetime

from yikao_devices import topics, wire
from yikao_devices.story_clock import Clock
from yikao_ingest.store import Store
from yikao_ingest.subscriber import Subscriber


def send_commands(store: Store, subscriber: Subscriber, clock: Clock, now: datetime) -> None:
    """Send what is to be shown at home; one that cannot be sent now is sent next time."""
    for row in store.execute("unsent_commands", {"now": now}):
        command_id, tenant, gateway, device, do, text_zh, text_en, *times = row
        expires_at, show_at, worth_until = times
        command = wire.Command(command_id, do, device, text_zh, text_en, expires_at, show_at)
        address = topics.topic(tenant, gateway, topics.COMMAND)
        lifetime_s = clock.real_seconds(worth_until - now)
        if subscriber.publish(address, wire.encode(command), expires_s=lifetime_s):
            sent = {"command_id": command_id, "expires_at": expires_at, "now": now}
            store.execute("command_sent", sent)
