"""Run an MQTT broker for this machine alone: start it, keep it running, and stop it with us.

It asks nobody for a password, and so it refuses to listen on anything but loopback. Gateways in
homes need a broker with certificates (docker-compose.yml starts one). Protocol: MQTT 5.0, OASIS.
"""

import ipaddress
import logging
import socket
import time
from pathlib import Path
from signal import SIGTERM

from yikao_ingest.embedded.broker_engines import Engine, Listener, find_engine
from yikao_ingest.embedded.child import Child, log_tail, spawn, started
from yikao_ingest.embedded.errors import NotLoopbackError, PortError, StartError
from yikao_ingest.embedded.folder import FolderLock, make_private

START_TIMEOUT_S = 30.0
"""Mostly 0.05 s (mosquitto) or 0.2 s (iotcore); a large store or a busy machine takes longer."""
PORT_PATIENCE_S = 3.0
"""A broker whose parent was just killed needs this long to save its store and free its port."""
CONNECT_TIMEOUT_S = 1.0
KNOCK_EVERY_S = 0.03
STOP_PATIENCE_S = 10.0
"""For mosquitto to write its store."""

_log = logging.getLogger(__name__)


class EmbeddedBroker:
    """The embedded broker of one folder, a folder of its own. For one thread at a time.

    `start` once; then `ensure` every now and then; `stop` at the end, also after a failure. Port 0
    means any free port; it stays the same over restarts. `engine` is for those who must have a
    particular broker. Refuses with `NotLoopbackError` a host that others could reach.
    """

    def __init__(
        self, root: Path, host: str = "127.0.0.1", port: int = 0, engine: Engine | None = None
    ) -> None:
        self._root = root.absolute()
        self._host = _loopback(host)
        self._port = port
        self._engine = engine
        self._log_file = self._root / "broker.log"
        self._command: tuple[str, ...] = ()
        self._lock: FolderLock | None = None
        self._child: Child | None = None

    @property
    def pid(self) -> int:
        """Return the process id of the broker."""
        return started(self._child).pid

    def poll(self) -> int | None:
        """Return None while the broker runs, then its exit code (negative: a signal's number)."""
        return started(self._child).poll()

    def start(self, timeout_s: float = START_TIMEOUT_S) -> str:
        """Start the broker and return its address, `mqtt://127.0.0.1:PORT`, once it listens.

        Refuses with an `EmbeddedError` that names the remedy, and then leaves nothing running.
        """
        assert self._lock is None, "start() comes once"
        began_s = time.monotonic()
        make_private(self._root)
        self._lock = FolderLock(self._root)
        try:
            engine = self._engine or find_engine()
            self._port = self._port or _free_port(self._host)
            self._command = self._prepare(engine)
            self._bring_up(timeout_s)
        except BaseException:
            self.stop()
            raise
        took_s = round(time.monotonic() - began_s, 3)
        _log.info(
            "embedded broker ready",
            extra={"engine": engine.name, "pid": self.pid, "port": self._port, "took_s": took_s},
        )
        return f"mqtt://{self._host}:{self._port}"

    def ensure(self, timeout_s: float = START_TIMEOUT_S) -> bool:
        """Start the broker again, on the same port, if it has died; return whether it had.

        To be called every second or so. Refuses with `PortError` or `StartError`, after which it
        may be called again.
        """
        code = self.poll()
        if code is None:
            return False
        _log.error("embedded broker died", extra={"pid": self.pid, "exit_code": code})
        self._bring_up(timeout_s)
        _log.info("embedded broker is back", extra={"pid": self.pid, "port": self._port})
        return True

    def stop(self) -> None:
        """Stop the broker and let the folder go. Harmless twice."""
        if self._child is not None:
            self._child.stop(SIGTERM, patience_s=STOP_PATIENCE_S)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _prepare(self, engine: Engine) -> tuple[str, ...]:
        """Write the configuration and return the broker's command line."""
        file = self._root / engine.file_name
        listener = Listener(self._root, self._host, self._port)
        file.write_text(engine.configure(listener), encoding="utf-8")
        return (*engine.command, str(file))

    def _bring_up(self, timeout_s: float) -> None:
        _wait_for_port(self._host, self._port, min(PORT_PATIENCE_S, timeout_s))
        deadline_s = time.monotonic() + timeout_s
        self._child = spawn(self._command, self._log_file, death_signal=SIGTERM)
        while self._child.wait(KNOCK_EVERY_S) is None:
            if _listens(self._host, self._port):
                return
            if time.monotonic() > deadline_s:
                self._child.stop(SIGTERM, patience_s=STOP_PATIENCE_S)
                raise self._failure(f"did not listen after {timeout_s:.0f} s")
        raise self._failure(f"ended at once with code {self._child.poll()}")

    def _failure(self, what: str) -> StartError:
        return StartError(
            f"the MQTT broker in {self._root} {what}",
            f"mend what the end of {self._log_file} says, and start again",
            log_tail(self._log_file),
        )


def _loopback(host: str) -> str:
    """Return `host` as an IPv4 loopback address, or refuse it."""
    try:
        address = ipaddress.IPv4Address("127.0.0.1" if host == "localhost" else host)
    except ipaddress.AddressValueError:
        address = None
    if address is None or not address.is_loopback:
        raise NotLoopbackError(
            f"the embedded broker has no passwords and will not listen on {host!r}",
            "use 127.0.0.1, or run a broker with certificates and set YIKAO_BROKER_URL",
        )
    return str(address)


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(host: str, port: int, patience_s: float) -> None:
    """Return once the port can be had, or refuse with `PortError` after `patience_s`."""
    deadline_s = time.monotonic() + patience_s
    while error := _bind_error(host, port):
        if isinstance(error, PermissionError):
            raise PortError(
                f"this user may not listen on port {port} of {host}",
                "choose a port above 1023",
            ) from error
        if time.monotonic() > deadline_s:
            raise PortError(
                f"port {port} of {host} is taken by another program",
                "stop that program, or give the embedded broker another port",
            ) from error
        time.sleep(KNOCK_EVERY_S)


def _bind_error(host: str, port: int) -> OSError | None:
    with socket.socket() as probe:
        # As the brokers do: connections of an earlier broker that linger are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error
    return None


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True
