"""Puts the demo on: the simulated air, gateways, phone and story, around the real server.

Everything is a process of its own and is started again when it dies, so that each can be killed to
see that nothing is lost.
"""

import json
import socket
import subprocess
import sys
import time
from typing import Any, Final

from yikao_ingest.demo.cast import Cast
from yikao_ingest.demo.follow import Follower
from yikao_ingest.demo.plan import DRAIN_S, EVERY, TENANT, ZONE, Plan
from yikao_ingest.errors import ServerError
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.serving import Process, Serving
from yikao_ingest.settings import BROKER_URL, DATABASE_URL, WEBHOOK_SECRET_FILE

AIR_TIMEOUT_S: Final = 30.0
POLL_S: Final = 0.05
HEARTBEAT_MIN_S: Final = 0.5
METER_EVERY_S: Final = 2.0
"""A meter that can be reached all the time is asked so often, in real seconds."""


class Stage:
    """The processes of one demo besides the server's roles."""

    def __init__(self, plan: Plan, serving: Serving, cast: Cast) -> None:
        self.plan = plan
        self.serving = serving
        self._cast = cast
        self.phone_log = plan.data / "phone.jsonl"
        self.truth = plan.data / "truth.jsonl"
        self._story: subprocess.Popen[bytes] | None = None
        self._gateways: dict[str, Follower] = {}

    def build(self) -> None:
        """Start air, server, phone and gateways; return when all of it works."""
        air = self._start_air()
        self.serving.prepare()
        phone_url = self._start_phone()
        devices = self._wait_for_air(air)
        keys = self._configure_gateways(devices)
        text = self._cast.registry(self.plan, devices, keys, phone_url)
        (self.plan.data / "clinic.toml").write_text(text, "utf-8")
        database = self.serving.environ[DATABASE_URL]
        apply_registry(database, parse_registry(text, "clinic.toml"))
        self.serving.start()
        for home in devices:
            self._start_gateway(home)
        self.serving.wait_ready()

    def _start_air(self) -> Process:
        """Start the homes; the neighbours take real readings until the demo is nearly over."""
        plan, argv = self.plan, ["air", "--json", "--homes", str(self.plan.homes)]
        argv += ["--listen", f"unix:{plan.data / 'air'}", "--control", f"unix:{plan.data / 'ctl'}"]
        argv += ["--truth", str(self.truth), "--zone", ZONE]
        if self._cast.neighbours and plan.homes > 1:
            argv += ["--csv", "sample", "--first-home", "2"]
            argv += ["--every-min", str(EVERY.total_seconds() / 60)]
            if plan.seconds is not None:
                argv += ["--until-min", str((plan.seconds - DRAIN_S) * plan.speed / 60)]
        return self.serving.add("air", _module("yikao_sim", *argv))

    def _wait_for_air(self, air: Process) -> dict[str, list[tuple[str, str]]]:
        """Return address and model of each device, by home, once the air is there."""
        until = time.monotonic() + AIR_TIMEOUT_S
        follower = Follower(air.log_file)
        while time.monotonic() < until:
            for ready in follower.lines():
                if "homes" in ready:
                    return {home["home"]: _devices(home) for home in ready["homes"]}
            if air.child is not None and air.child.poll() is not None:
                break
            time.sleep(POLL_S)
        raise ServerError("the simulated air does not start", self.serving.failed("air"))

    def _start_phone(self) -> str:
        port = free_port()
        argv = ["phone", "--listen", f"127.0.0.1:{port}", "--log", str(self.phone_log), "--json"]
        argv += ["--secret", self.serving.environ[WEBHOOK_SECRET_FILE]]
        for owner, habit in self._cast.habits.items():
            argv += ["--owner", f"{owner}={habit}"]
        self.serving.add("phone", _module("yikao_sim", *argv))
        return f"http://127.0.0.1:{port}"

    def _configure_gateways(self, devices: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
        """Write each gateway's configuration and return its public key, by home."""
        asking = {}
        for home, own in devices.items():
            folder = self.plan.data / home
            folder.mkdir(mode=0o700, exist_ok=True)
            config = folder / "gateway.toml"
            config.write_text(self._gateway_config(home, own), "utf-8")
            command = _module("yikao_gateway", "key", "--config", str(config))
            asking[home] = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        return {home: _key(home, process) for home, process in asking.items()}

    def _gateway_config(self, home: str, devices: list[tuple[str, str]]) -> str:
        listed = "".join(f'\n[[devices]]\naddress = "{address}"\n' for address, _ in devices)
        return (
            f'id = "{self.plan.gateway(home)}"\n'
            f'tenant = "{TENANT}"\n'
            f'broker_url = "{self.serving.environ[BROKER_URL]}"\n'
            f'radio = "sim:unix:{self.plan.data / "air"}"\n'
            f'state_dir = "{self.plan.data / home}"\n'
            f'timezone = "{ZONE}"\n'
            'language = "zh"\n'
            f"reread_s = {METER_EVERY_S}\n"
            # Once a minute of the story: the feed judges silence by the story's clock.
            f"heartbeat_s = {max(HEARTBEAT_MIN_S, 60 / self.plan.speed)}\n"
            f"{listed}"
        )

    def _start_gateway(self, home: str) -> None:
        name = f"gateway-{home}"
        config = self.plan.data / home / "gateway.toml"
        process = self.serving.add(name, _module("yikao_gateway", "run", "--config", str(config)))
        self._gateways[home] = Follower(process.log_file)

    def begin_story(self) -> None:
        """Start the night call; the person hears what the gateway asks through `pass_prompts`."""
        argv = ["story", "night_call", "--control", f"unix:{self.plan.data / 'ctl'}"]
        argv += ["--stdin-prompts", "--json"]
        log = (self.plan.data / "log" / "story.log").open("ab")
        with log:
            self._story = subprocess.Popen(
                _module("yikao_sim", *argv), stdin=subprocess.PIPE, stdout=log, stderr=log
            )

    def pass_prompts(self) -> list[tuple[str, dict[str, Any]]]:
        """Tell the story what the gateways' displays show; return home and prompt of each."""
        shown = []
        for home, follower in self._gateways.items():
            for line in follower.lines():
                if "prompt" in line:
                    shown.append((home, line["prompt"]))
                    self._tell({"home": home, "prompt": line["prompt"]})
        return shown

    def _tell(self, line: dict[str, Any]) -> None:
        if self._story is None or self._story.stdin is None or self._story.poll() is not None:
            return
        try:
            self._story.stdin.write(json.dumps(line).encode() + b"\n")
            self._story.stdin.flush()
        except BrokenPipeError:
            return

    def end_story(self) -> None:
        """Have the person measure no more."""
        if self._story is not None:
            if self._story.stdin is not None:
                self._story.stdin.close()
            self._story.terminate()
            self._story.wait()
        self._story = None


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _module(name: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"{name}.cli", *arguments)


def _devices(home: dict[str, Any]) -> list[tuple[str, str]]:
    return [(device["address"], device["name"]) for device in home["devices"]]


def _key(home: str, process: "subprocess.Popen[str]") -> str:
    output, _ = process.communicate()
    if process.returncode != 0:
        raise ServerError(f"the gateway of {home} made no key", "look at the lines above")
    return output.split()[-1].strip('"')
