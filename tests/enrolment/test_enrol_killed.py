"""kill -9 in the middle of an enrolment, and an answer that is lost: the same code goes on."""

import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from signal import SIGKILL

import pytest
from enrolment_parts import HOST, Box, Centre, centre
from fix_servers import ends_within

ASKED_BYTES = 1_200
"""Through a connection that has carried so much a request has gone, not only a greeting."""
ROUNDS = 5
CERTIFICATES = "SELECT serial FROM gateway_certificate"


class Line:
    """A line to the server on which answers to a request get lost while it is `deaf`."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server((HOST, 0))
        self.url = f"https://{HOST}:{self._door.getsockname()[1]}"
        self._ends = [self._door]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection((HOST, self._to))
                self._ends += [near, far]
                asked = [0]
                for one, other, counts in ((near, far, True), (far, near, False)):
                    work = (one, other, asked, counts)
                    threading.Thread(target=self._carry, args=work, daemon=True).start()

    def _carry(
        self, one: socket.socket, other: socket.socket, asked: list[int], counts: bool
    ) -> None:
        with suppress(OSError):
            while data := one.recv(65_536):
                asked[0] += len(data) if counts else 0
                if counts or asked[0] < ASKED_BYTES:
                    other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def deaf_line(there: Centre) -> Iterator[str]:
    """Give the address of a line on which requests arrive and answers do not."""
    line = Line(there.port)
    try:
        yield line.url
    finally:
        line.close()


def test_an_answer_that_is_lost_strands_nobody(plain_schema_url: str, short_tmp: Path) -> None:
    box = Box(short_tmp / "box")
    with centre(plain_schema_url, short_tmp) as there, there.role("enrol"):
        code = there.invites()
        with deaf_line(there) as url:
            process = begins(box, url, code)
            (given,) = there.clinic.until(lambda: there.clinic.rows(CERTIFICATES))
            process.send_signal(SIGKILL)
            process.communicate()
        assert not box.pair.exists()
        box.enrols(there.url, code)
        assert there.clinic.rows(CERTIFICATES) == [given], "the same certificate, once more"
        before = box.pair.read_bytes()
        box.enrols(there.url, code)
        assert box.pair.read_bytes() == before, "and once more nothing is left to do"


def begins(box: Box, url: str, code: str) -> "subprocess.Popen[str]":
    """Start to enrol, and type the code."""
    process = box.starts("enrol", "--server", url, "--code", "-", "--state", str(box.state))
    assert process.stdin is not None
    process.stdin.write(f"{code}\n")
    process.stdin.flush()
    return process


@pytest.mark.parametrize("seed", [random.randrange(10**6)])
def test_killed_at_any_moment(plain_schema_url: str, short_tmp: Path, seed: int) -> None:
    box, chance = Box(short_tmp / "box"), random.Random(seed)
    with centre(plain_schema_url, short_tmp) as there, there.role("enrol"):
        code = there.invites()
        for _ in range(ROUNDS):
            process = begins(box, there.url, code)
            ends_within(process.pid, chance.uniform(0.2, 1.2))
            process.kill()
            process.communicate()
        box.enrols(there.url, code)
        assert len(there.clinic.rows(CERTIFICATES)) == 1
        left = {path.name for path in box.pair.parent.parent.iterdir()}
        assert len(left) == 3, "the lock, the enrolment, and the way to it"
