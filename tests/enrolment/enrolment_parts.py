"""A centre with a database, an authority, the counter for certificates, and a broker that asks for
them; every role and every command of the gateway is a process of its own."""

import contextlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGTERM

from clinic import Signer, registry_text
from fix_database import DEADLINE_S, Clinic
from fix_servers import ends_within, require

from yikao_devices.story_clock import VARIABLE, Clock
from yikao_devices.wire import DeviceEvent, decode_item
from yikao_gateway.enrolment.certificate import read_certificate
from yikao_gateway.enrolment.enrolled import CURRENT, FOLDER, PAIR
from yikao_gateway.enrolment.https import offered_authority, server_at
from yikao_gateway.errors import ServerUnreachable
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.embedded.broker_engines import Engine, Listener, mosquitto
from yikao_ingest.enrolment.admin import invite, withdraw, write_list
from yikao_ingest.enrolment.authority import load_authority, make_authority
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import (
    BROKER_URL,
    CA_DIR,
    DATABASE_URL,
    ENROL_BROKER_URL,
    ENROL_LISTEN,
    ENROL_URL,
)

INGEST = Path(__file__).parents[2] / "ingest"
HOST = "127.0.0.1"
GATEWAY, OTHER = "gw-1", "gw-2"
KNOCK_S = 0.05
INVITE_MINUTES = 10
EVENTS = "SELECT payload FROM item WHERE kind = 'event' AND state LIKE ?"
GATEWAY_TOML = """\
state_dir = "{state}"
timezone = "Asia/Shanghai"
radio = "sim:unix:{state}/nowhere.sock"
"""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server((HOST, 0)) as found:
        return int(found.getsockname()[1])


def clock_of(ago: timedelta) -> dict[str, str]:
    """Return the environment of a process for which it is so long ago."""
    real_s = time.time()
    return {VARIABLE: Clock(real_s - ago.total_seconds(), real_s, 1.0).spec()}


def register_without_key(dsn: str) -> None:
    """Apply the clinic's registry; its first gateway has still to bring its key."""
    signers = (Signer(GATEWAY), Signer(OTHER))
    text = registry_text(signers).replace(f'public_key = "{signers[0].public_text}"\n', "")
    apply_registry(dsn, parse_registry(text, "clinic.toml"))


@dataclass
class Box:
    """A gateway at a home: its folder, and its commands."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir()

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def pair(self) -> Path:
        return self.state / FOLDER / CURRENT / PAIR

    def config(self) -> Path:
        """Write its settings, of which no line is about who it is or where the broker is."""
        file = self.folder / "gateway.toml"
        file.write_text(GATEWAY_TOML.format(state=self.state), "utf-8")
        return file

    def starts(self, *words: str, **environ: str) -> "subprocess.Popen[str]":
        """Start `yikao-gateway`."""
        return subprocess.Popen(
            [sys.executable, "-m", "yikao_gateway.cli", *words],
            env={**os.environ, **self.environ, **environ},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def runs(self, *words: str, typed: str = "", code: int = 0, **environ: str) -> str:
        """Run `yikao-gateway` to its end; return what it said."""
        process = self.starts(*words, **environ)
        said, _ = process.communicate(typed, DEADLINE_S)
        assert process.returncode == code, said
        return said

    def enrols(self, url: str, code_typed: str, *more: str, code: int = 0) -> str:
        """Enrol; the code is typed, never an argument."""
        words = ("enrol", "--server", url, "--code", "-", "--state", str(self.state), *more)
        return self.runs(*words, typed=f"{code_typed}\n", code=code)

    def told(self, state: str = "%") -> set[str]:
        """Return the codes of the events in its outbox, of those in one state."""
        with contextlib.closing(sqlite3.connect(self.state / "outbox.sqlite3")) as outbox:
            try:
                rows = outbox.execute(EVENTS, (state,)).fetchall()
            except sqlite3.OperationalError:
                return set()
        events = [decode_item(payload) for (payload,) in rows]
        return {event.code for event in events if isinstance(event, DeviceEvent)}

    @contextmanager
    def running(self, **environ: str) -> Iterator[list[str]]:
        """Run the gateway for the block; what it logged is there afterwards."""
        process = self.starts("run", "--config", str(self.config()), **environ)
        said: list[str] = []
        try:
            yield said
        finally:
            process.send_signal(SIGTERM)
            out, _ = process.communicate(timeout=DEADLINE_S)
            said += out.splitlines()


@dataclass
class Centre:
    """The server's side."""

    folder: Path
    clinic: Clinic
    environ: dict[str, str]
    port: int

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def authority(self) -> Path:
        return Path(self.environ[CA_DIR])

    def invites(self) -> str:
        """Return a new code for the first gateway."""
        ours = load_authority(self.environ)
        return invite(self.clinic.dsn, ours, GATEWAY, INVITE_MINUTES, "nurse").code.text

    def withdraws(self) -> None:
        """Take nothing from the first gateway any more, and have the broker's list say so."""
        withdraw(self.clinic.dsn, GATEWAY)
        write_list(self.clinic.dsn, load_authority(self.environ))

    def comes_to_the_present(self) -> None:
        """Let it be now for what is started from here on."""
        del self.environ[VARIABLE]

    @contextmanager
    def role(self, name: str) -> Iterator[Path]:
        """Run a role for the block; gives its log."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "yikao_ingest", name],
                env={**os.environ, **self.environ},
                stdin=subprocess.DEVNULL,
                stderr=file,
            )
        try:
            if name == "enrol":
                self._until_it_answers(process)
            yield log
        finally:
            process.send_signal(SIGTERM)
            process.wait(DEADLINE_S)

    def _until_it_answers(self, process: "subprocess.Popen[bytes]") -> None:
        until_s = time.monotonic() + DEADLINE_S
        while not ends_within(process.pid, KNOCK_S):
            try:
                offered_authority(server_at(self.url))
                return
            except ServerUnreachable:
                assert time.monotonic() < until_s
        raise AssertionError((self.folder / "enrol.log").read_text("utf-8"))


@contextmanager
def centre(dsn: str, folder: Path, ago: timedelta = timedelta()) -> Iterator[Centre]:
    """A centre with an authority, for which it is so long ago; start its role `enrol`."""
    register_without_key(dsn)
    port, broker = free_port(), free_port()
    environ = {
        DATABASE_URL: dsn,
        CA_DIR: str(folder / "authority"),
        ENROL_URL: f"https://{HOST}:{port}",
        ENROL_LISTEN: f"{HOST}:{port}",
        ENROL_BROKER_URL: f"mqtts://{HOST}:{broker}",
        **(clock_of(ago) if ago else {}),
    }
    clinic = Clinic(dsn)
    there = Centre(folder, clinic, environ, port)
    try:
        make_authority(there.authority, "Yikao", datetime.now(UTC) - ago)
        yield there
    finally:
        clinic.connection.close()


@contextmanager
def broker(there: Centre) -> Iterator[EmbeddedBroker]:
    """A mosquitto by the repository's own configuration, with a certificate of the authority."""
    engine = mosquitto()
    require(engine is not None, "mosquitto")
    assert engine is not None
    load_authority(there.environ).write_broker([HOST], datetime.now(UTC))
    port = there.environ[ENROL_BROKER_URL].rpartition(":")[2]

    def configure(listener: Listener) -> str:
        return _configuration(listener, port, there.authority)

    ours = Engine("mosquitto", "mosquitto.conf", engine.command, configure)
    server = EmbeddedBroker(there.folder / "broker", engine=ours)
    there.environ[BROKER_URL] = server.start()
    try:
        yield server
    finally:
        server.stop()


def _configuration(listener: Listener, port: str, authority: Path) -> str:
    """Return mosquitto.conf as it is shipped, but for places, and for what only 2.1 knows."""
    text = (INGEST / "mosquitto.conf").read_text("utf-8")
    for shipped, here in (
        ("listener 8883", f"listener {port} {HOST}"),
        ("listener 1883", f"listener {listener.port} {listener.host}"),
        ("/run/secrets/", f"{authority}/"),
        ("# crlfile", "crlfile"),
        ("/mosquitto/crl/", f"{authority}/"),
        ("/mosquitto/config/mosquitto.acl", str(INGEST / "mosquitto.acl")),
        ("/mosquitto/data", str(listener.folder)),
    ):
        assert shipped in text, shipped
        text = text.replace(shipped, here)
    text = re.sub(r"^(plugin|listener_allow_anonymous).*\n", "", text, flags=re.MULTILINE)
    # Without a certificate nobody gets as far as that.
    return text + "allow_anonymous true\n" + ("user root\n" if os.geteuid() == 0 else "")


def until_of(box: Box) -> datetime:
    """Return the end of a box's certificate."""
    return read_certificate(box.pair.read_bytes()).ends
