"""What becomes of a configuration from the server: tried, kept once proved, else given up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_parts import NOW, outbox_in
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json, structs
from page_parts import Times

from yikao_devices.wire_configuration import LOG_MAX, Configuration
from yikao_gateway.configuration.configured import OURS, Configured
from yikao_gateway.configuration.decision import (
    STARTED_ANEW,
    STARTS_MAX,
    UNPROVED,
    Answer,
    Record,
    Refused,
    failed,
    offered,
    proved,
    read_offer,
    started,
)
from yikao_gateway.configuration.values import settings_with
from yikao_gateway.settings import Settings, read_settings
from yikao_gateway.store.database import Database

PROVE_S = 300.0
SETTINGS = """
id = "gw-1"
tenant = "t"
broker_url = "mqtt://127.0.0.1"
timezone = "Asia/Shanghai"
"""
revisions = st.integers(1, 6)
offers = st.one_of(
    st.builds(Configuration, revisions, language=st.sampled_from(["zh", "en", None])),
    st.builds(Refused, st.integers(0, 6), st.just("unreadable"), st.just("language")),
)
Step = Callable[[Record], Record]
steps = st.one_of(
    offers.map(lambda offer: lambda record: offered(record, offer)),
    st.sampled_from([started, proved, lambda record: failed(record, UNPROVED)]),
)


def wish(revision: int = 1, **values: Any) -> Configuration:
    return Configuration(revision, **values)


# Decisions


@given(st.lists(steps, max_size=30))
def test_only_what_was_proved_is_good_and_news_never_grows_old(played: list[Step]) -> None:
    record = Record()
    for step in played:
        before, record = record, step(record)
        assert record.newest >= before.newest >= before.answer.revision
        assert record.good in (before.good, before.trial)
        if record.good is not before.good:
            assert step is proved
        if record.trial is None:
            assert record.in_force is record.good
        assert record.starts <= STARTS_MAX


@given(st.lists(steps, max_size=30), offers)
def test_old_news_changes_nothing(played: list[Step], offer: Configuration | Refused) -> None:
    record = Record()
    for step in played:
        record = step(record)
    once = offered(record, offer)
    assert offered(once, offer) is once
    if 0 < offer.revision <= record.newest:
        assert once is record


@given(st.lists(steps, max_size=30))
def test_a_gateway_that_only_ever_starts_is_back_at_the_last_good_one(played: list[Step]) -> None:
    record = Record()
    for step in played:
        record = step(record)
    good, trial = record.good, record.trial
    for _ in range(STARTS_MAX + 1):
        record = started(record)
    assert (record.good, record.trial) == (good, None)
    if trial is not None and record.answer.revision == trial.revision:
        assert record.answer == Answer(trial.revision, "returned", STARTED_ANEW)


def test_a_newer_one_that_is_refused_ends_no_trial_and_is_what_is_told() -> None:
    record = started(offered(Record(), wish(1)))
    record = offered(record, Refused(2, "unreadable", "language"))
    assert record.trial == wish(1)
    record = proved(record)
    assert (record.good, record.answer.revision) == (wish(1), 2)
    assert record.answer.outcome == "refused"


@pytest.mark.parametrize(
    ("payload", "refused"),
    [
        ('{"revision": 3, "language": "fr"}', Refused(3, "unreadable", "language")),
        ('{"revision": 3, "heartbeat_s": 1e9}', Refused(3, "unreadable", "heartbeat_s")),
        ('{"revision": 3, "backlog_rows": 20.5}', Refused(3, "unreadable", "backlog_rows")),
        ('{"revision": 3, "log_level": "debug"}', Refused(3, "incomplete", "log_until")),
        ('{"revision": 0}', Refused(0, "unreadable", "revision")),
        ('{"language": "zh"}', Refused(0, "unreadable", "revision")),
        ("[1]", Refused(0, "unreadable", None)),
        ("\0", Refused(0, "unreadable", None)),
        ('{"x":' + "[" * 100_000, Refused(0, "unreadable", None)),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_field(payload: str, refused: Refused) -> None:
    assert read_offer(payload.encode(), NOW) == refused


@given(st.binary(max_size=200))
def test_no_bytes_at_all_do_harm(payload: bytes) -> None:
    assert isinstance(read_offer(payload, NOW), Configuration | Refused)


def test_what_a_newer_server_wishes_besides_is_tolerated() -> None:
    assert read_offer(b'{"revision": 4, "colour": "red"}', NOW) == wish(4)


# What a gateway does with it


class Life:
    """One gateway's configuration through its starts, and the hand on its clock."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.times = Times()
        self.database = database
        self.settings = settings
        self.starts()

    def starts(self) -> Settings:
        times = self.times
        self.configured = Configured(
            self.database, self.settings, lambda: times.now, lambda: times.monotonic_s, PROVE_S
        )
        return self.configured.begin()

    def hears(self, *wishes: Configuration) -> None:
        for each in wishes:
            self.configured.receive(json.encode(each))

    def watches(self, page: bool = True) -> None:
        """Let the gateway look once, or until it is to be built anew."""

        async def page_answers() -> bool:
            return page

        async def look() -> None:
            watching = asyncio.ensure_future(self.configured.watch(page_answers))
            # As often as it takes for all that needs no waiting.
            for _ in range(5):
                await asyncio.sleep(0)
            watching.cancel()
            await asyncio.wait({watching})

        asyncio.run(look())

    def until_built_anew(self, answers: Callable[[], Awaitable[bool]]) -> None:
        asyncio.run(asyncio.wait_for(self.configured.watch(answers), 10))

    @property
    def told(self) -> tuple[int, str, str | None]:
        state = self.configured.state(1, "0")
        return state.revision, state.outcome, state.code

    @property
    def level(self) -> str:
        return logging.getLevelName(logging.getLogger(OURS).level).lower()


@pytest.fixture(autouse=True)
def level_as_before() -> Iterator[None]:
    """The log level is this process's own here."""
    logger = logging.getLogger(OURS)
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "gateway.toml"
    file.write_text(SETTINGS)
    return read_settings(file, {})


@pytest.fixture
def life(tmp_path: Path, settings: Settings) -> Iterator[Life]:
    with outbox_in(tmp_path) as outbox:
        yield Life(outbox._database, settings)


def test_it_is_applied_once_broker_and_page_have_answered(life: Life) -> None:
    life.hears(wish(1, language="en", backlog_rows=20))
    assert life.told == (1, "trying", None)
    tried = life.starts()
    assert (tried.language, tried.backlog_rows) == ("en", 20)
    life.watches()
    assert life.told == (1, "trying", None), "nothing was acknowledged"
    life.configured.acknowledged()
    life.watches(page=False)
    assert life.told == (1, "trying", None), "the page does not answer"
    life.watches()
    assert life.told == (1, "applied", None)
    assert life.starts().language == "en"
    assert life.configured.state(1, "0").in_force.revision == 1


def test_the_running_gateway_is_built_anew_for_what_changes_it(life: Life) -> None:
    async def page_answers() -> bool:
        return True

    life.hears(wish(1, heartbeat_s=20.0))
    life.until_built_anew(page_answers)
    assert life.configured.begin().heartbeat_s == 20.0


def test_what_does_not_prove_itself_in_time_is_given_up(life: Life) -> None:
    life.hears(wish(1, language="en"))
    life.starts()
    life.configured.acknowledged()
    life.watches()
    life.hears(wish(2, language="zh", eager_s=7.0))
    life.starts()
    life.times.passes(PROVE_S - 1)
    life.watches()
    assert life.told == (2, "trying", None)
    life.times.passes(1)
    life.watches()
    assert life.told == (2, "returned", UNPROVED)
    good = life.configured.begin()
    assert (good.language, good.eager_s) == ("en", 1.0)
    assert life.configured.state(1, "0").in_force.revision == 1
    life.hears(wish(2, language="zh", eager_s=7.0))
    assert life.told == (2, "returned", UNPROVED), "the same again is old news"


def test_a_gateway_that_crashes_with_it_goes_back_by_itself(life: Life) -> None:
    life.hears(wish(1, language="en"))
    for _ in range(STARTS_MAX):
        assert life.starts().language == "en"
    assert life.starts().language == "zh"
    assert life.told == (1, "returned", STARTED_ANEW)


def test_what_its_own_settings_say_is_not_changed_and_that_is_told(
    life: Life, tmp_path: Path
) -> None:
    file = tmp_path / "own.toml"
    file.write_text(SETTINGS + 'pairing = "mode"\n')
    life.settings = read_settings(file, {"YIKAO_GATEWAY_LANGUAGE": "zh"})
    life.starts()
    life.hears(wish(1, language="en", pairing="listed", reread_s=30.0))
    tried = life.starts()
    assert (tried.language, tried.pairing, tried.reread_s) == ("zh", "mode", 30.0)
    state = life.configured.state(1, "0")
    assert set(state.local) == {"language", "pairing"}
    assert (state.in_force.language, state.in_force.pairing) == ("zh", "mode")


def test_the_log_level_changes_at_once_and_returns_by_itself(life: Life) -> None:
    words = life.configured.words
    until = life.times.now + timedelta(hours=2)
    life.hears(wish(1, log_level="debug", log_until=until))
    assert life.level == "debug"
    assert not life.configured._anew, "nothing is built anew for it"
    assert life.configured.words > words
    life.configured.acknowledged()
    life.watches()
    assert life.told == (1, "applied", None)
    life.starts()
    assert life.level == "debug"
    life.times.passes(2 * 3600)
    life.watches()
    assert life.level == "info"
    assert life.configured.state(1, "0").in_force.log_level == "info"


def test_no_log_level_lasts_longer_than_a_day(life: Life) -> None:
    life.hears(wish(1, log_level="debug", log_until=life.times.now + timedelta(days=400)))
    life.configured.acknowledged()
    life.watches()
    life.times.passes(LOG_MAX.total_seconds() - 1)
    life.watches()
    assert life.level == "debug"
    life.times.passes(1)
    life.watches()
    assert life.level == "info"


def test_a_memory_that_cannot_be_read_is_begun_anew(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    life.hears(wish(1, language="en"))
    with life.database.write() as cursor:
        cursor.execute("UPDATE meta SET value = '{\"newest\": []}' WHERE key = 'configuration'")
    assert life.starts().language == "zh"
    assert life.told == (0, "applied", None)
    assert "unreadable" in caplog.text


@given(
    st.builds(
        Configuration,
        revisions,
        language=st.sampled_from(["zh", "en"]),
        eager_s=st.floats(0.5, 60),
        backlog_rows=st.integers(10, 500),
    )
)
def test_what_is_wished_and_open_is_what_is_done(wished: Configuration) -> None:
    settings = structs.asdict(wished)
    own = Settings(*[None] * 11)
    done = settings_with(own, wished)
    for name in ("language", "eager_s", "backlog_rows"):
        assert getattr(done, name) == settings[name]
