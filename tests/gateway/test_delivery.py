"""From the outbox to the server over a real broker: only the server's receipt closes an item."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from delivery_scene import Scene, Time, broker_at, on_broker, scene
from fix_servers import ends_within, require
from gateway_parts import CUFF, NOW, event, outbox_in
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from server_end import STORY_MAX_S

from yikao_devices import topics, wire
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.prompts import Prompts
from yikao_gateway.keys import load_key
from yikao_gateway.uplink.courier import Courier
from yikao_gateway.uplink.delivery import Post
from yikao_gateway.uplink.flight import ALONE_MAX, RECEIPT_WAIT_S
from yikao_gateway.uplink.publisher import Broker
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.timekeeper import CLOCK_UNSET
from yikao_ingest.embedded import broker_engines
from yikao_ingest.embedded.broker import EmbeddedBroker


@on_broker
async def test_a_gateway_says_what_it_is_and_that_it_is_there(s: Scene) -> None:
    s.starts()
    birth = await s.server.hears(topics.BIRTH)
    status = await s.server.hears(topics.STATUS)
    assert wire.decode_birth(birth.payload).boot == 7
    assert wire.decode_status(status.payload) == wire.Status("online", 7, NOW)
    assert birth.signed_by(s.post.key.public_bytes)
    assert status.signed_by(s.post.key.public_bytes)


@on_broker
async def test_only_the_servers_receipt_closes_an_item(s: Scene) -> None:
    s.outbox.add(event(1), NOW)
    s.starts()
    heard = await s.server.hears(topics.EVENT)
    assert heard.items == [event(1)]
    assert not heard.message.historical
    assert heard.signed_by(s.post.key.public_bytes)
    assert heard.properties[topics.PROPERTY_KEY_ID] == s.post.key.key_id
    assert heard.content_type == wire.CONTENT_TYPE
    # The broker has acknowledged by the time it has heard more from us; nothing is closed by that.
    s.time.passes(61)
    await s.server.hears(topics.STATUS, lambda h: wire.decode_status(h.payload).waiting == 1)
    assert s.outbox.counts().open == 1
    s.server.receipts(heard.ids)
    await s.settles(lambda counts: counts.stored == 1)


@on_broker
async def test_a_lost_receipt_is_answered_by_sending_again(s: Scene) -> None:
    s.outbox.add(event(1), NOW)
    s.starts()
    first = await s.server.hears(topics.EVENT)
    s.time.passes(RECEIPT_WAIT_S + 0.1)
    second = await s.server.hears(topics.EVENT)
    assert second.items == first.items
    assert second.message_id != first.message_id
    s.server.receipts(second.ids)
    await s.settles(lambda counts: counts.open == 0)


@on_broker
async def test_a_receipt_that_may_have_waited_tells_no_time(s: Scene) -> None:
    """A gateway that was away for hours is given at once what came for it meanwhile."""
    told: list[datetime] = []
    s.post = replace(s.post, told=told.append)
    s.outbox.keep("s", None, [event(1), event(2)], NOW, complete=True)
    sent_before, new = s.outbox.waiting(2)
    s.outbox.mark_sent([sent_before.seq], NOW)
    s.starts()
    await s.server.hears_items(2)
    s.server.receipts([sent_before.reading_id])
    s.server.receipts([uuid4()])
    await s.settles(lambda counts: counts.stored == 1)
    assert told == []
    s.server.receipts([new.reading_id])
    await s.settles(lambda counts: counts.stored == 2)
    assert told == [NOW]


@on_broker
async def test_a_gateway_without_the_time_asks_for_it_on_each_connection(s: Scene) -> None:
    told: list[datetime] = []
    seconds = count()
    alarms = Alarms(s.server.gateway, s.outbox, lambda: NOW + timedelta(seconds=next(seconds)))
    s.post = replace(s.post, told=told.append, alarms=alarms)
    s.post.alarms.set(CLOCK_UNSET, on=True)
    s.post.alarms.set("outbox_full", on=True)
    s.starts()
    first = {name for heard in await s.server.hears_items(2) for name in heard.ids}
    s.server.receipts(first)
    await s.settles(lambda counts: counts.stored == 2)
    told.clear()
    await _put_out(s)
    (again,) = (await s.server.hears(topics.EVENT)).items
    assert isinstance(again, wire.DeviceEvent)
    assert again.code == CLOCK_UNSET
    s.server.receipts([again.reading_id])
    await s.settles(lambda counts: counts.stored == 3)
    assert told == [NOW]


@on_broker
async def test_a_burst_of_records_travels_together(s: Scene) -> None:
    courier = s.starts()
    await s.server.hears(topics.STATUS)
    for number in range(ALONE_MAX * 4):
        s.outbox.add(event(number), NOW)
        courier.wake()
    messages = await s.server.hears_items(ALONE_MAX * 4)
    assert len(messages) == 1


@on_broker
async def test_what_the_server_rejects_is_not_sent_again(s: Scene) -> None:
    s.outbox.keep("s", None, [event(1), event(2)], NOW, complete=True)
    s.starts()
    await s.server.hears_items(2)
    s.server.receipts(
        [event(1).reading_id], [wire.Rejection(event(2).reading_id, "unknown_device")]
    )
    await s.settles(lambda counts: counts.open == 0)
    counts = s.outbox.counts()
    assert (counts.stored, counts.rejected_by_code) == (1, {"unknown_device": 1})


@on_broker
async def test_a_refused_message_refuses_all_that_nothing_else_was_said_about(s: Scene) -> None:
    old = NOW - timedelta(days=2)
    s.outbox.keep("s", None, [event(n) for n in range(10)], old, complete=True)
    s.starts()
    (heard,) = await s.server.hears_items(10)
    s.server.receipts(
        [event(0).reading_id], [], refused_message=heard.message_id, code="item_unreadable"
    )
    await s.settles(lambda counts: counts.open == 0)
    counts = s.outbox.counts()
    assert (counts.stored, counts.rejected_by_code) == (1, {"item_unreadable": 9})


@on_broker
async def test_a_receipt_that_cannot_be_read_settles_nothing(s: Scene) -> None:
    s.outbox.add(event(1), NOW)
    s.starts()
    heard = await s.server.hears(topics.EVENT)
    for nonsense in (b"", b"\xff\xfe", b"{}", b'{"t":"yesterday"}'):
        s.server.says(topics.RECEIPT, nonsense)
    s.server.receipts([uuid4()])
    s.server.receipts(heard.ids)
    await s.settles(lambda counts: counts.stored == 1)


@on_broker
async def test_a_command_is_shown_once_and_answered(s: Scene) -> None:
    s.starts()
    await s.server.hears(topics.STATUS)
    command = wire.Command(
        uuid4(),
        "measure_again",
        CUFF,
        "请再量一次",
        "Please measure again",
        NOW + timedelta(hours=1),
    )
    late = replace_command(command, expires_at=NOW)
    for each in (command, command, late):
        s.server.says(topics.COMMAND, wire.encode(each))
    outcomes = [
        wire.decode_command_result((await s.server.hears(topics.COMMAND_RESULT)).payload)
        for _ in range(3)
    ]
    assert [outcome.outcome for outcome in outcomes] == ["shown", "shown", "expired"]
    assert [prompt["prompt"]["text"] for prompt in s.shown] == ["请再量一次"]


def replace_command(command: wire.Command, **changes: Any) -> wire.Command:
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return wire.Command(**fields | {"command_id": uuid4()} | changes)


@on_broker
async def test_a_gateway_takes_leave(s: Scene) -> None:
    s.starts()
    await s.server.hears(topics.STATUS)
    await s.stops()
    status = await s.server.hears(topics.STATUS)
    assert wire.decode_status(status.payload) == wire.Status("offline", 7)


@on_broker
async def test_the_heartbeat_beats(s: Scene) -> None:
    s.starts()
    for _ in range(3):
        await s.server.hears(topics.STATUS)
        s.time.passes(60)


@on_broker
async def test_a_connection_that_is_cut_is_made_again(s: Scene) -> None:
    """Another client of our name puts us out; we come back, and send what is open once more."""
    s.outbox.add(event(1), NOW)
    s.starts()
    first = await s.server.hears(topics.EVENT)
    await _put_out(s)
    again = await s.server.hears(topics.EVENT)
    assert again.items == first.items
    s.server.receipts(again.ids)
    await s.settles(lambda counts: counts.stored == 1)


async def _put_out(s: Scene) -> None:
    intruder = Client(CallbackAPIVersion.VERSION2, client_id=s.server.gateway, protocol=MQTTv5)
    broker = broker_at(s.url)
    there = threading.Event()
    intruder.on_connect = lambda *_: there.set()
    await asyncio.to_thread(intruder.connect, broker.host, broker.port)
    intruder.loop_start()
    try:
        assert await asyncio.to_thread(there.wait, STORY_MAX_S)
    finally:
        # The loop's end closes the socket, which nobody else would.
        intruder.disconnect()
        intruder.loop_stop()


@pytest.fixture
def own_broker(short_tmp: Path) -> Iterator[EmbeddedBroker]:
    """A mosquitto that a test may kill, not started."""
    engine = broker_engines.mosquitto()
    require(engine is not None, "mosquitto")
    broker = EmbeddedBroker(short_tmp / "broker", engine=engine)
    yield broker
    broker.stop()


def test_a_killed_broker_costs_no_item(own_broker: EmbeddedBroker, tmp_path: Path) -> None:
    """Killed with what it had acknowledged in memory; everything comes again after its return."""

    async def play(url: str) -> None:
        async with asyncio.timeout(STORY_MAX_S), scene(url, tmp_path) as s:
            old = NOW - timedelta(days=2)
            s.outbox.keep("s", None, [event(n) for n in range(700)], old, complete=True)
            s.starts()
            await s.server.hears_items(500)
            s.server.lost()
            os.kill(own_broker.pid, signal.SIGKILL)
            await asyncio.to_thread(_restart, own_broker)
            await s.server.ready()
            s.server.answers = True
            # What was sent before the server's end was back is sent again when it is late.
            s.time.passes(RECEIPT_WAIT_S + 0.1)
            await s.settles(lambda counts: counts.stored == 700)

    asyncio.run(play(own_broker.start()))


def _restart(broker: EmbeddedBroker) -> None:
    assert ends_within(broker.pid, STORY_MAX_S)
    assert broker.ensure()


def test_a_broker_that_refuses_our_messages_is_an_alarm(short_tmp: Path, tmp_path: Path) -> None:
    """An access list that forgot us: MQTT 5 says so with a reason code, and people are told."""
    engine = broker_engines.mosquitto()
    require(engine is not None, "mosquitto")
    assert engine is not None
    acl = short_tmp / "acl"
    acl.write_text("topic read #\ntopic write v1/+/+/status\n")
    strict = replace(
        engine, configure=lambda listener: f"{engine.configure(listener)}\nacl_file {acl}\n"
    )
    broker = EmbeddedBroker(short_tmp / "broker", engine=strict)

    async def play(url: str) -> None:
        async with asyncio.timeout(STORY_MAX_S), scene(url, tmp_path) as s:
            s.outbox.add(event(1), NOW)
            s.starts()
            await s.settles(lambda counts: counts.open >= 2)
            codes = {wire.decode_item(row.payload).code for row in s.outbox.waiting(10)}
            assert codes == {"measurement_failed", "publish_refused"}
            s.time.passes(RECEIPT_WAIT_S * 3)
            await s.server.hears(topics.STATUS)

    try:
        asyncio.run(play(broker.start()))
    finally:
        broker.stop()


def test_a_broker_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    async def play() -> None:
        with outbox_in(tmp_path) as outbox:
            outbox.add(event(1), NOW)
            alarms = Alarms("gw", outbox, lambda: NOW)
            post = Post(
                "t",
                "gw",
                1,
                "0",
                "bluez",
                60.0,
                load_key(tmp_path),
                outbox,
                KnownDevices(outbox._database),
                Prompts("en", lambda: NOW, print, outbox._database),
                lambda: NOW,
                lambda: 0.0,
                alarms,
            )
            running = asyncio.create_task(Courier(post, Broker("127.0.0.1", port), Time()).run())
            done, _ = await asyncio.wait({running}, timeout=0.5)
            assert not done
            running.cancel()
            await asyncio.wait({running})
            assert outbox.counts().open == 1

    asyncio.run(play())
