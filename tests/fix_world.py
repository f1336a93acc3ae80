"""A whole world for path tests: homes with devices, gateways, the server, phones; time runs fast.

Everything is real and a process of its own. Each test has a home of its own, with its own doctors,
so that one world serves all tests of a file. It ends with them: even when nobody looks at it, a
world takes half a processor.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from yikao_devices.story_clock import VARIABLE, Clock
from yikao_ingest.demo.cast import Cast, Devices
from yikao_ingest.demo.follow import Follower
from yikao_ingest.demo.plan import TENANT, Plan
from yikao_ingest.demo.stage import Stage, free_port
from yikao_ingest.serving import Serving
from yikao_ingest.settings import DATABASE_URL

HOMES = 6
SPEED = 120.0
PATIENCE_S = 60.0
"""Real seconds in which anything that is to happen happens, on a busy machine."""
POLL_S = 0.05


def _registry(plan: Plan, devices: Devices, keys: Mapping[str, str], phone: str) -> str:
    parts = []
    for home, own in devices.items():
        parts.append(
            f'[[teams]]\nid = "team-{home}"\nname = "{home}"\nzone = "Asia/Shanghai"\n'
            f'duty_doctor = "duty-{home}"\n'
        )
        for role in ("own", "duty"):
            parts.append(
                f'[[doctors]]\nid = "{role}-{home}"\nname = "{role} {home}"\nteam = "team-{home}"\n'
                f'contacts = [{{ channel = "webhook", address = "{phone}/{role}-{home}" }}]\n'
            )
        parts.append(
            f'[[residents]]\nid = "{home}"\nname = "{home}"\nbirth_year = 1946\n'
            f'team = "team-{home}"\ndoctor = "own-{home}"\n'
            f'[[gateways]]\nid = "{plan.gateway(home)}"\ntenant = "{TENANT}"\n'
            f'public_key = "{keys[home]}"\n'
        )
        for address, _ in own:
            parts.append(
                f'[[devices]]\naddress = "{address}"\ngateway = "{plan.gateway(home)}"\n'
                f'[[bindings]]\ndevice = "{address}"\nresident = "{home}"\n'
            )
    return "".join(parts)


@dataclass(frozen=True, slots=True)
class Ring:
    """One page as it rang."""

    doctor: str
    text: str
    link: str
    at: datetime


class World:
    """What a path test sees: people who measure, phones that ring, and time that passes."""

    def __init__(self, stage: Stage, serving: Serving) -> None:
        self._stage = stage
        self._serving = serving
        self._homes = iter(f"h{number}" for number in range(1, HOMES + 1))
        self._phone = Follower(stage.phone_log)
        self._rings: list[Ring] = []
        self._prompts: list[tuple[str, dict[str, Any]]] = []

    @property
    def clock(self) -> Clock:
        return self._stage.plan.clock

    @property
    def feed_url(self) -> str:
        return self._serving.url

    @property
    def dsn(self) -> str:
        return self._serving.environ[DATABASE_URL]

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of the world's processes."""
        return self._serving.environ

    def gateway_config(self, home: str) -> Path:
        """Return the file with the settings of a home's gateway."""
        return self._stage.plan.data / home / "gateway.toml"

    def new_home(self) -> "HomeInWorld":
        """Return a home that no other test uses."""
        return HomeInWorld(self, next(self._homes))

    def now(self) -> datetime:
        return self.clock.at(time.time())

    def control(self, **request: Any) -> dict[str, Any]:
        """Ask the simulated air for something."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE_S)
            line.connect(str(self._stage.plan.data / "ctl"))
            line.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(line.makefile().readline())
        assert answer["ok"], answer
        return dict(answer)

    def until(self, condition: Callable[[], object], what: str) -> Any:
        """Return the condition's value as soon as it is true; fail when it does not come true."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self._serving.watch()
            self._look()
            if value := condition():
                return value
            time.sleep(POLL_S)
        raise AssertionError(f"not within {PATIENCE_S:g} s: {what}")

    def passes(self, span: timedelta) -> None:
        """Let story time pass, and keep the world running."""
        end = self.now() + span
        self.until(lambda: self.now() >= end, f"{span} of story time")

    def rings(self, doctor: str) -> list[Ring]:
        """Return the pages that have rung at a doctor's phone, in order."""
        self._look()
        return [ring for ring in self._rings if ring.doctor == doctor]

    def prompts(self, home: str) -> list[dict[str, Any]]:
        """Return what a home's gateway has shown."""
        self._look()
        return [prompt for where, prompt in self._prompts if where == home]

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the server's database."""
        with psycopg.connect(self.dsn) as conn:
            return conn.execute(statement, values).fetchall()  # type: ignore[arg-type]

    def _look(self) -> None:
        for line in self._phone.lines():
            if line["event"] == "rang":
                at = datetime.fromisoformat(line["story"])
                self._rings.append(Ring(line["owner"], line["text"], line["link"], at))
        self._prompts += self._stage.pass_prompts()


@dataclass(frozen=True, slots=True)
class HomeInWorld:
    """One resident's home, as a test speaks of it."""

    world: World
    name: str

    def measures(self, systolic: int, diastolic: int, pulse: int = 80) -> None:
        """Take a blood pressure."""
        self.world.control(
            do="measure", home=self.name, systolic=systolic, diastolic=diastolic, pulse=pulse
        )

    def measures_glucose(self, mmol_l: float) -> None:
        """Take a fingerstick."""
        self.world.control(do="measure", home=self.name, glucose_mmol_l=mmol_l)

    def calls_for_help(self) -> None:
        """Press the button that is wired to the gateway."""
        config = self.world.gateway_config(self.name)
        command = (sys.executable, "-m", "yikao_gateway.cli", "call-me", "--config", str(config))
        subprocess.run(command, check=True, env=self.world.environ, timeout=PATIENCE_S)

    def is_asked_again(self, times: int = 1) -> dict[str, Any]:
        """Wait until the gateway's display has asked to measure again so often."""
        prompts = self.world.until(
            lambda: (shown := self.world.prompts(self.name)) and len(shown) >= times and shown,
            f"{self.name} is asked to measure again",
        )
        return dict(prompts[times - 1])

    def phone_rings(self, role: str, times: int = 1) -> Ring:
        """Wait until the `own` or `duty` doctor has been rung so often; return that ring."""
        doctor = f"{role}-{self.name}"
        rings = self.world.until(
            lambda: len(found := self.world.rings(doctor)) >= times and found,
            f"{doctor} is paged for the {times}. time",
        )
        return rings[times - 1]  # type: ignore[no-any-return]

    def rang(self) -> int:
        """Return how often both phones have rung."""
        return sum(len(self.world.rings(f"{role}-{self.name}")) for role in ("own", "duty"))

    def answers(self, ring: Ring, disposition: str = "called") -> None:
        """Open a page's link as a doctor does, and take it."""
        with urllib.request.urlopen(ring.link, timeout=PATIENCE_S) as page:
            assert page.status == 200
        parts = urllib.parse.urlsplit(ring.link)
        request = urllib.request.Request(
            ring.link,
            data=urllib.parse.urlencode({"disposition": disposition}).encode(),
            headers={"Origin": f"{parts.scheme}://{parts.netloc}", "Sec-Fetch-Site": "same-origin"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as page:
            assert page.status == 200

    def episode_is(self, state: str) -> None:
        """Wait until the resident's latest episode has this state."""
        statement = (
            "SELECT e.state FROM episode e JOIN resident r USING (patient_id) WHERE r.code = %s"
            " ORDER BY e.episode_id DESC LIMIT 1"
        )
        self.world.until(
            lambda: self.world.query(statement, self.name) == [(state,)],
            f"the episode of {self.name} is {state}",
        )

    def readings(self) -> list[tuple[Any, ...]]:
        """Return kind and values of the stored readings, in order of time."""
        return self.world.query(
            "SELECT kind, systolic_mmhg, diastolic_mmhg, glucose_mmol_l FROM reading"
            " JOIN resident USING (patient_id) WHERE code = %s ORDER BY time",
            self.name,
        )


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The world of one file of path tests."""
    with tempfile.TemporaryDirectory(prefix="yk-", dir="/tmp") as folder:
        now_s = time.time()
        plan = Plan(Path(folder), HOMES, SPEED, None, Clock(now_s, now_s, SPEED))
        habits = {f"{role}-h{n}": "silent" for n in range(1, HOMES + 1) for role in ("own", "duty")}
        before = os.environ.get(VARIABLE)
        environ = {**os.environ, VARIABLE: plan.clock.spec(), "YIKAO_FEED_PORT": str(free_port())}
        serving = Serving(plan.data, environ)
        stage = Stage(plan, serving, Cast(_registry, habits, neighbours=False))
        try:
            stage.build()
            yield World(stage, serving)
        finally:
            serving.stop()
            assert os.environ.get(VARIABLE) == before
