"""A gateway that is configured from the server: real processes, a real broker, kills with -9."""

import asyncio
import functools
import json
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from gateway_parts import CUFF
from msgspec import json as wire_json
from running_gateway import Running, running_gateway
from stage import NOON, eventually

from yikao_devices import topics, wire
from yikao_devices.story_clock import VARIABLE, parse_clock
from yikao_gateway.configuration.configured import OURS, Configured
from yikao_gateway.configuration.decision import STARTED_ANEW, STARTS_MAX, Record
from yikao_gateway.keys import load_key
from yikao_gateway.settings import read_settings
from yikao_gateway.store.database import Database
from yikao_sim.home import Outfit

STORY_MAX_S = 120.0
NOBODY = {"YIKAO_GATEWAY_BROKER_URL": "mqtt://127.0.0.1:1"}
"""A port at which no broker listens."""
KILLS = 4
NEVER_LOGGED = re.compile(r"(?<![0-9.])(187|113|79)(\.0)?(?![0-9])")
"""The values that are measured here, as numbers of their own."""
SAID = "SELECT value FROM meta WHERE key = 'prompts'"


@pytest.fixture(autouse=True)
def level_as_before() -> Iterator[None]:
    """The log level is this process's own here."""
    logger = logging.getLogger(OURS)
    before = logger.level
    yield
    logger.setLevel(before)


def at_home(story: Callable[[Running], Awaitable[None]]) -> Callable[..., None]:
    """Make a test of a story in a home with a cuff and a meter."""

    @functools.wraps(story)
    def test(broker_url: str, short_tmp: Path) -> None:
        async def play() -> None:
            async with (
                asyncio.timeout(STORY_MAX_S),
                running_gateway(broker_url, short_tmp, Outfit()) as scene,
            ):
                await story(scene)

        asyncio.run(play())

    del test.__wrapped__  # type: ignore[attr-defined]  # its parameters are those of `test`
    return test


def wishes(scene: Running, revision: int, **values: Any) -> None:
    wish = wire.Configuration(revision, **values)
    scene.server.says(topics.CONFIGURATION, wire.encode(wish))


async def told(scene: Running, revision: int, outcome: str) -> wire.ConfigurationState:
    """Return the gateway's word that this became of a revision."""

    def is_it(state: wire.ConfigurationState) -> bool:
        return (state.revision, state.outcome) == (revision, outcome)

    heard = await scene.server.hears(
        topics.CONFIGURATION_STATE,
        lambda heard: is_it(wire.decode_configuration_state(heard.payload)),
    )
    assert heard.signed_by(_public_key(scene))
    return wire.decode_configuration_state(heard.payload)


def _public_key(scene: Running) -> bytes:
    return load_key(scene.gateway.folder / "state").public_bytes


@at_home
async def test_it_is_applied_in_the_running_process_and_said_what_is_in_force(
    scene: Running,
) -> None:
    await scene.gateway.start(scene.environment)
    born = await scene.server.hears(topics.BIRTH)
    machine = wire.decode_birth(born.payload).machine
    assert machine is not None
    assert machine.python.startswith("3.")
    assert machine.disk_free_mib > 0
    assert (await told(scene, 0, "applied")).in_force.revision == 0
    wishes(scene, 7, language="en", reread_s=30.0, backlog_rows=20)
    state = await told(scene, 7, "applied")
    assert (state.in_force.language, state.in_force.backlog_rows) == ("en", 20)
    assert state.local == ("reread_s",), "the file names it"
    assert state.in_force.reread_s == 2.0
    assert state.boot == 2, "built anew"
    assert scene.gateway.process is not None
    assert scene.gateway.process.returncode is None
    wishes(scene, 6, language="zh")
    wishes(scene, 8, language="en", backlog_rows=9)
    refused = await told(scene, 8, "refused")
    assert (refused.code, refused.field) == ("unreadable", "backlog_rows")
    assert refused.in_force == state.in_force, "what is older is not even answered"


@at_home
async def test_the_log_says_more_at_once_and_never_a_clinical_value(scene: Running) -> None:
    scene.server.answers = True
    await scene.gateway.start(scene.environment)
    await told(scene, 0, "applied")
    wishes(scene, 1, log_level="debug", log_until=NOON + timedelta(hours=2))
    state = await told(scene, 1, "applied")
    assert (state.boot, state.in_force.log_level) == (1, "debug")
    await scene.stage.air.measure_blood_pressure(scene.home, 187, 113, 79)
    await scene.server.hears("reading/blood_pressure")
    await eventually(lambda: scene.gateway.has_said('"msg": "receipt"'))
    await scene.gateway.end()
    lines = [json.loads(line) for line in scene.gateway.said]
    assert "debug" in {line["level"] for line in lines}
    assert {line["log"].partition(".")[0] for line in lines if line["level"] == "debug"} == {
        "yikao_gateway"
    }
    for line in lines:
        del line["t"]
        assert not NEVER_LOGGED.search(json.dumps(line)), line


@at_home
async def test_whenever_it_is_killed_it_runs_with_what_was_good_or_is_on_trial(
    scene: Running,
) -> None:
    chance = random.Random(scene.server.gateway)
    good: set[int] = {0}
    for revision in range(1, KILLS + 1):
        await scene.gateway.start(scene.environment)
        await scene.server.hears(topics.BIRTH)
        wishes(scene, revision, language=chance.choice(("zh", "en")), backlog_rows=10 + revision)
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        await scene.gateway.end()
        record = _record(scene)
        good.add(record.good.revision if record.good else 0)
        assert record.trial is None or record.trial.revision <= revision
        assert record.starts <= STARTS_MAX
    for heard in scene.server.everything:
        if heard.channel == topics.CONFIGURATION_STATE:
            state = wire.decode_configuration_state(heard.payload)
            assert state.in_force.backlog_rows in (10 + state.in_force.revision, 500)
            assert state.outcome != "applied" or state.in_force.revision in good | {state.revision}
    await scene.gateway.start(scene.environment)
    await scene.server.hears(topics.BIRTH)
    wishes(scene, KILLS + 1, language="en")
    assert (await told(scene, KILLS + 1, "applied")).in_force.language == "en"


def _record(scene: Running) -> Record:
    rows = scene.gateway.rows("SELECT value FROM meta WHERE key = 'configuration'")
    return wire_json.decode(rows[0][0], type=Record) if rows else Record()


@at_home
async def test_one_that_never_reaches_the_broker_is_given_up_for_the_last_good_one(
    scene: Running,
) -> None:
    await scene.gateway.start(scene.environment)
    await told(scene, 0, "applied")
    wishes(scene, 1, backlog_rows=50)
    await told(scene, 1, "applied")
    await scene.gateway.end()
    _is_on_trial(scene, wire.Configuration(2, backlog_rows=60))
    for _ in range(STARTS_MAX):
        before = len(scene.gateway.said)
        await scene.gateway.start(scene.environment | NOBODY)
        await eventually(lambda n=before: any("broker unre" in s for s in scene.gateway.said[n:]))
        await scene.gateway.end()
    assert _record(scene).in_force == wire.Configuration(2, backlog_rows=60)
    await scene.gateway.start(scene.environment)
    state = await told(scene, 2, "returned")
    assert state.code == STARTED_ANEW
    assert (state.in_force.revision, state.in_force.backlog_rows) == (1, 50)


def _is_on_trial(scene: Running, wish: wire.Configuration) -> None:
    """Have the gateway hear of it and be killed at that moment."""
    settings = read_settings(scene.gateway.config, {})
    database = Database(scene.gateway.folder / "state/outbox.sqlite3")
    try:
        Configured(database, settings, lambda: NOON, lambda: 0.0).receive(wire.encode(wish))
    finally:
        database.close()


@at_home
async def test_what_is_dated_is_said_in_time_by_a_gateway_killed_and_without_a_network(
    scene: Running,
) -> None:
    clock = parse_clock(scene.environment[VARIABLE])
    fast = {VARIABLE: replace(clock, speed=200.0).spec()}
    await scene.gateway.start(scene.environment | fast)
    await scene.server.hears(topics.BIRTH)
    at = _now(fast) + timedelta(minutes=20)
    asked = wire.Command(
        uuid4(), "measure_again", CUFF, "请再量", "again", at + timedelta(hours=9), at
    )
    scene.server.says(topics.COMMAND, wire.encode(asked))
    kept = await scene.server.hears(topics.COMMAND_RESULT)
    assert wire.decode_command_result(kept.payload).outcome == "kept"
    await scene.gateway.end()
    await scene.gateway.start(scene.environment | fast | NOBODY)
    await eventually(lambda: _is_said(scene, asked))
    assert _now(fast) >= at
    await scene.gateway.end()
    await scene.gateway.start(scene.environment | fast)
    shown = await scene.server.hears(
        topics.COMMAND_RESULT, lambda h: wire.decode_command_result(h.payload).outcome == "shown"
    )
    assert wire.decode_command_result(shown.payload).t >= at


def _now(environment: dict[str, str]) -> datetime:
    return parse_clock(environment[VARIABLE]).at(time.time())


def _is_said(scene: Running, command: wire.Command) -> bool:
    ((memory,),) = scene.gateway.rows(SAID)
    return str(command.command_id) in json.loads(memory)["said"]
