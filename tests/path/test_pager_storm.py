"""A storm: providers fail, pagers and the database are killed with -9, and no page is lost.

Nobody is called after an answer; nobody is called twice where the provider knows a page again, and
once more at most where it does not. A minute of it; `make torture` makes ten minutes.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from signal import SIGKILL
from typing import Any

import psycopg
from roles import kill, start_role
from served import served
from storm import DOCTORS, PEOPLE, RESIDENTS, Alerts, Providers

from yikao_alerts.deliberate import page_id
from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_devices.story_clock import VARIABLE, Clock
from yikao_ingest.embedded.postgres import EmbeddedPostgres
from yikao_ingest.migrate import migrate
from yikao_ingest.settings import DATABASE_URL, WEBHOOK_SECRET_FILE
from yikao_ingest.settings_channels import CHANNELS_FILE

STORM_S, TORTURE_S = 35.0, 600.0
SPEED = 20.0
"""The minute in which pages are collected passes in three seconds."""
KILL_EVERY_S = (2.0, 5.0)
SETTLE_S = 120.0
EACH_S = 0.1
GRACE_S = 3.0
"""What was under way at the answer may still arrive; on a busy machine, so late."""
PAGERS = 2


@dataclass(slots=True)
class Children:
    """The pagers, which are killed and started again."""

    environ: dict[str, str]
    running: list[subprocess.Popen[bytes]]

    def start(self) -> None:
        self.running.append(start_role("pager", self.environ))

    def kill(self, which: int) -> None:
        kill(self.running.pop(which))

    def kill_all(self) -> None:
        while self.running:
            self.kill(0)


def test_in_a_storm_no_page_is_lost_and_none_comes_after_the_answer(
    short_tmp: Path, torture: bool
) -> None:
    seed = random.randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    with ExitStack() as ending:
        storm = ending.enter_context(_storm(short_tmp, seed))
        kills = storm.rages(TORTURE_S if torture else STORM_S)
        storm.settles()
        storm.accounts(kills)


class Storm:
    """Everything that runs, and what has to be true of it at the end."""

    def __init__(
        self, postgres: EmbeddedPostgres, alerts: Alerts, world: Providers, children: Children
    ) -> None:
        self.postgres = postgres
        self.alerts = alerts
        self.providers = world
        self.children = children

    def rages(self, seconds: float) -> Counter[str]:
        """Let alerts come and things die for so long; return what was killed how often."""
        chance = self.alerts.random
        kills: Counter[str] = Counter()
        end = time.monotonic() + seconds
        strike = time.monotonic() + chance.uniform(*KILL_EVERY_S)
        while time.monotonic() < end:
            self.alerts.one()
            pause = time.monotonic() + EACH_S
            if time.monotonic() > strike:
                kills[self.strikes(chance)] += 1
                strike = time.monotonic() + chance.uniform(*KILL_EVERY_S)
            self.wait(pause)
        return kills

    def strikes(self, chance: random.Random) -> str:
        if chance.random() < 0.3:
            os.kill(self.postgres.pid, SIGKILL)
            while not self.postgres.ensure():
                pass
            return "postgres"
        self.children.kill(chance.randrange(PAGERS))
        self.children.start()
        return "pager"

    def wait(self, until_s: float) -> None:
        """Wait for that moment, and see that no pager ends by itself."""
        for child in self.children.running:
            try:
                assert child.wait(max(0.0, until_s - time.monotonic()) / PAGERS) is None
            except subprocess.TimeoutExpired:
                continue

    def settles(self) -> None:
        """Let the providers work again and wait until nothing is due."""
        self.providers.faulty = 0.0
        end = time.monotonic() + SETTLE_S
        while self.rows("SELECT 1 FROM page WHERE state = 'due' LIMIT 1"):
            assert time.monotonic() < end, self.rows(
                "SELECT state, count(*), min(due_at), max(attempts) FROM page GROUP BY 1"
            )
            self.wait(time.monotonic() + EACH_S)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.alerts.dsn) as conn:
            return conn.execute(statement.encode()).fetchall()

    def accounts(self, kills: Counter[str]) -> None:
        """Compare what was due with what the providers took."""
        taken = self.providers.taken
        pages = self.rows(
            "SELECT p.page_id, p.message_id, p.state, p.channel, p.episode_id, p.loop, e.state"
            " FROM page p JOIN episode e USING (episode_id)"
        )
        assert self.alerts.pages <= {row[0] for row in pages} | set(self.unmade(pages))
        rang = {(row[4], row[5]) for row in pages if row[2] == "sent"}
        for _, message, state, channel, episode, loop, episode_state in pages:
            if state == "sent":
                assert taken.get((channel, message)), "sent implies accepted"
            elif state == "failed":
                assert (episode, loop) in rang or episode_state != "open"
            else:
                assert (state, episode_state) == ("cancelled", "answered"), "no page is lost"
        known = {(row[3], row[1]) for row in pages}
        assert set(taken) <= known, "no unexpected page"
        twice = [len(all_) for (kind, _), all_ in taken.items() if kind == "bark"]
        assert max(twice) <= 2, "once more at most"
        self.nobody_after_the_answer()
        waits = sorted(self.waits())
        middle, late = waits[len(waits) // 2], waits[int(len(waits) * 0.99)]
        sys.stdout.write(
            f"{len(pages)} pages, {sum(map(len, taken.values()))} messages taken,"
            f" {sum(n - 1 for n in twice)} of {len(twice)} told twice; killed {dict(kills)};"
            f" first delivery p50 {middle:.2f} p99 {late:.2f} s\n"
        )

    def unmade(self, pages: list[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield the pages that were not made, as their episode had been answered meanwhile."""
        answered = {row[4] for row in pages if row[6] == "answered"}
        made = {row[0] for row in pages}
        for episode, loops in self.alerts.loops.items():
            for loop in range(1, loops + 1):
                number = page_id(episode, 1, (0, loop), "d", 0)
                if number not in made and episode in answered:
                    yield number

    def nobody_after_the_answer(self) -> None:
        answered = {
            episode: self.alerts.clock.real_time(at)
            for episode, at in self.rows(
                "SELECT episode_id, answered_at FROM episode WHERE state = 'answered'"
            )
        }
        late = [
            (episode, each.at_s - answered[episode])
            for messages in self.providers.taken.values()
            for each in messages
            for episode in each.named
            if episode in answered and each.at_s > answered[episode] + GRACE_S
        ]
        assert not late, "none after the answer"

    def waits(self) -> Iterator[float]:
        """Yield the real seconds from each page's making to the first time a provider took it,
        without the time in which it waited for others."""
        first = {key: min(each.at_s for each in all_) for key, all_ in self.providers.taken.items()}
        for channel, message, made, tried in self.rows(
            "SELECT channel, message_id, created_at, message_at FROM page WHERE state = 'sent'"
        ):
            began = self.alerts.clock.real_time(max(made, tried))
            yield max(0.0, first[channel, message] - began)


@contextmanager
def _storm(folder: Path, seed: int) -> Iterator[Storm]:
    """Have everything that takes part for the block."""
    real_s = time.time()
    clock = Clock(datetime.now(UTC).timestamp(), real_s, SPEED)
    postgres = EmbeddedPostgres(folder / "pg")
    with ExitStack() as ending:
        ending.callback(postgres.stop)
        dsn = postgres.start()
        migrate(dsn, clock.at(real_s))
        world = ending.enter_context(served(Providers(seed)))
        with psycopg.connect(dsn, autocommit=True) as conn:
            sizes = {"doctors": DOCTORS, "residents": RESIDENTS}
            conn.execute(PEOPLE.format(url=world.url, **sizes).encode())
        children = Children(_environ(folder, dsn, clock), [])
        ending.callback(children.kill_all)
        for _ in range(PAGERS):
            children.start()
        yield Storm(postgres, Alerts(dsn, clock, random.Random(seed)), world, children)


def _environ(folder: Path, dsn: str, clock: Clock) -> dict[str, str]:
    secret, channels = folder / "secret.key", folder / "channels.toml"
    secret.write_bytes(b"a secret of thirty-two bytes in tests")
    channels.write_text("[bark]\n")
    return {
        **os.environ,
        DATABASE_URL: dsn,
        LINK_SECRET_FILE: str(secret),
        WEBHOOK_SECRET_FILE: str(secret),
        CHANNELS_FILE: str(channels),
        VARIABLE: clock.spec(),
    }
