"""After months without a network: the backlog goes in order, and news goes before it."""

import asyncio
import random
import socket
import sys
import time
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from delivery_scene import Scene, broker_at, on_broker, scene
from gateway_parts import CUFF, NOW
from server_end import STORY_MAX_S, Heard

from yikao_devices import topics, wire
from yikao_devices.blood_pressure import BloodPressure
from yikao_devices.date_time import date_time_of
from yikao_devices.items_blood_pressure import blood_pressure_item
from yikao_devices.readings import Origin
from yikao_gateway.uplink.delivery import LANE_MAX
from yikao_gateway.uplink.flight import NEWS_AGE_MAX
from yikao_gateway.uplink.publisher import Opened, Presence, Publisher

CHANNEL = f"{topics.READING}/blood_pressure"
MONTH = timedelta(days=30)
SHORT, TORTURE = 5_000, 100_000
LONG_STORY_MAX_S = 600.0


def reading(at: datetime, systolic: float = 128.0, diastolic: float = 82.0) -> wire.Item:
    """Return what a cuff says that was read now."""
    value = BloodPressure("mmHg", systolic, diastolic, 97.0, date_time_of(at), 70.0, None, 0)
    return blood_pressure_item(value, b"", Origin(CUFF, "generic-cuff", NOW, 0.0))


def month(count: int) -> list[wire.Item]:
    """Return so many readings of a month, oldest first."""
    step = (MONTH - timedelta(days=1)) / count
    since = NOW.replace(microsecond=0) - MONTH
    return [
        reading(since + timedelta(seconds=int((step * number).total_seconds())))
        for number in range(count)
    ]


def first_ids(heard: Iterable[Heard]) -> list[object]:
    """Return ids in the order in which they first came."""
    return list(dict.fromkeys(name for each in heard for name in each.ids))


@on_broker
async def test_a_crisis_goes_before_a_month_whether_it_came_before_the_network_or_after(
    s: Scene,
) -> None:
    s.outbox.keep("", None, month(3000), NOW, complete=True)
    crisis, later = reading(NOW, 190, 110), reading(NOW, 192, 111)
    s.outbox.add(crisis, NOW)
    courier = s.starts()
    first = await s.server.hears(CHANNEL)
    assert first.items == [crisis]
    assert not first.message.historical
    backlog = await s.server.hears_items(LANE_MAX)
    assert all(heard.message.historical for heard in backlog)
    s.outbox.add(later, NOW)
    courier.wake()
    second = await s.server.hears(CHANNEL)
    assert (second.items, second.message.historical) == ([later], False)


@on_broker
async def test_news_that_many_others_were_read_after_is_still_news(s: Scene) -> None:
    """A meter with a full memory is read after a cuff was, and all of it before there is a net."""
    crisis = reading(NOW - NEWS_AGE_MAX + timedelta(minutes=1), 190, 110)
    s.outbox.add(crisis, NOW)
    s.outbox.keep("", None, month(3000), NOW, complete=True)
    s.starts()
    assert (await s.server.hears(CHANNEL)).items == [crisis]


@on_broker
async def test_a_backlog_comes_in_the_order_of_measuring(s: Scene) -> None:
    """Some cuffs send the newest record first."""
    items = month(700)
    for part in (items[500:], items[:300], items[300:500]):
        s.outbox.keep("", None, part[::-1], NOW, complete=True)
    s.server.answers = True
    s.starts()
    heard = await s.server.hears_items(700)
    assert first_ids(heard) == [item.reading_id for item in items]
    assert {len(each.message.items) for each in heard} == {wire.ITEMS_MAX}


@pytest.fixture
def count(torture: bool) -> int:
    return TORTURE if torture else SHORT


def test_a_long_backlog_is_drained_in_order(count: int, broker_url: str, tmp_path: Path) -> None:
    async def play() -> None:
        async with asyncio.timeout(LONG_STORY_MAX_S), scene(broker_url, tmp_path) as s:
            items = month(count)
            s.outbox.keep("", None, random.sample(items, count), NOW, complete=True)
            s.server.answers = True
            began_s = time.monotonic()
            s.starts()
            while s.outbox.waiting_count():
                s.outbox.changed.clear()
                await s.outbox.changed.wait()
            took_s = time.monotonic() - began_s
            heard = [each for each in s.server.everything if each.channel == CHANNEL]
            assert first_ids(heard) == [item.reading_id for item in items]
            sys.stdout.write(f"{count} rows in {len(heard)} messages, {count / took_s:.0f}/s\n")

    asyncio.run(play())


def test_the_line_sends_at_once_and_is_watched_by_the_kernel(broker_url: str) -> None:
    async def play() -> None:
        happened: asyncio.Queue[object] = asyncio.Queue()
        publisher = Publisher(
            broker_at(broker_url), Presence("a-line", ("a/line",)), happened.put_nowait
        )
        publisher.open()
        async with asyncio.timeout(STORY_MAX_S):
            while not isinstance(await happened.get(), Opened):
                pass
        line = publisher._client.socket()
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        publisher.close()

    asyncio.run(play())
