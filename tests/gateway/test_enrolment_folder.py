"""An enrolment as the gateway keeps it: whole or not at all; and what settings need not say."""

import os
from bisect import bisect
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fix_servers import require
from hypothesis import assume, given
from hypothesis import strategies as st

from yikao_devices.toml_lines import FaultyFileError
from yikao_gateway.enrolment.certificate import Certificate, Phase, new_key, read_certificate
from yikao_gateway.enrolment.enrolled import CURRENT, FOLDER, Facts
from yikao_gateway.enrolment.folder import (
    WAITING_KEY,
    Enrolment,
    EnrolmentFolder,
    hand_over,
    open_folder,
)
from yikao_gateway.enrolment.https import server_at
from yikao_gateway.enrolment.renewal import RETRY_FIRST_S, RETRY_MAX_S, pause_s
from yikao_gateway.errors import EnrolmentError, StorageError
from yikao_gateway.keys import load_key
from yikao_gateway.settings import read_settings
from yikao_gateway.settings_values import BrokerAddress
from yikao_ingest.enrolment.authority import make_authority

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LIFE = timedelta(days=90)
FACTS = Facts("gw-1", "north", "mqtts://broker.example:8884", "https://enrol.example", "hash")
STEPS = 6
"""How often keeping an enrolment makes something durable, the way to it last."""
ABOUT = 'timezone = "Asia/Shanghai"\nstate_dir = "{state}"\n'


class Cut(BaseException):
    """The power goes."""


def enrolment_in(tmp_path: Path, name: str = "ca") -> Enrolment:
    """Return an enrolment by an authority of its own."""
    authority = make_authority(tmp_path / name, "Centre", NOW)
    key = new_key()
    issued, _ = authority.for_gateway("gw-1", key.request(), NOW)
    pem = authority.pem.encode()
    return Enrolment(FACTS, issued.pem.encode(), key, pem, pem)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def opened(state: Path) -> Iterator[EnrolmentFolder]:
    with open_folder(state) as folder:
        yield folder


def test_what_is_kept_is_read_again(tmp_path: Path, opened: EnrolmentFolder) -> None:
    with pytest.raises(EnrolmentError, match="enrol again"):
        opened.read()
    given_one = enrolment_in(tmp_path)
    opened.keep(given_one)
    read = opened.read()
    assert (read.facts, read.authority, read.key.pem) == (
        FACTS,
        given_one.authority,
        given_one.key.pem,
    )
    assert read_certificate(read.certificate) == read_certificate(given_one.certificate)


def test_only_one_works_on_it(state: Path, opened: EnrolmentFolder) -> None:
    with pytest.raises(StorageError, match="another"), open_folder(state):
        pass


def test_a_key_waits_until_it_has_its_certificate(tmp_path: Path, opened: EnrolmentFolder) -> None:
    waiting = opened.waiting_key()
    assert opened.waiting_key().pem == waiting.pem
    opened.keep(enrolment_in(tmp_path))
    assert opened.waiting_key().pem != waiting.pem


class Disk:
    """Says when the power goes: after so many more times that something was made durable."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**6
        self._sync = os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, descriptor: int) -> None:
        self._sync(descriptor)
        self.left -= 1
        if self.left == 0:
            raise Cut


def test_the_power_may_go_at_any_step(
    tmp_path: Path, opened: EnrolmentFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time something is made durable could be the last: the old one is there, or the new."""
    old, new = enrolment_in(tmp_path, "old"), enrolment_in(tmp_path, "new")
    opened.keep(old)
    disk, steps, seen = Disk(monkeypatch), 0, []
    while steps == len(seen):
        steps += 1
        disk.left = steps
        with suppress(Cut):
            opened.keep(new)
            break
        seen.append(opened.read().key.pem == new.key.pem)
    assert seen == sorted(seen) and {*seen} == {False, True}
    assert opened.read().key.pem == new.key.pem
    names = {path.name for path in opened._path.iterdir()}
    assert len(names) == 3, "the lock, the enrolment, and the way to it"


def test_what_root_enrols_belongs_to_the_gateway(
    tmp_path: Path, state: Path, opened: EnrolmentFolder
) -> None:
    load_key(state)
    opened.keep(enrolment_in(tmp_path))
    require(os.geteuid() == 0, "root")
    os.chown(state, 1234, 1235)
    hand_over(state)
    owners = {(p.lstat().st_uid, p.lstat().st_gid) for p in state.rglob("*")}
    assert owners == {(1234, 1235)}


def test_killed_at_the_very_end_the_next_key_is_a_new_one(
    tmp_path: Path, opened: EnrolmentFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, enrolment = opened.waiting_key(), enrolment_in(tmp_path)
    mine = replace(enrolment, key=waiting)
    disk = Disk(monkeypatch)
    opened.keep(mine)
    (opened._path / WAITING_KEY).write_bytes(waiting.pem)
    disk.left = STEPS
    with pytest.raises(Cut):
        opened.keep(mine)
    assert opened.read().key.pem == waiting.pem
    assert (opened._path / WAITING_KEY).exists()
    assert opened.waiting_key().pem != waiting.pem


def settings_file(tmp_path: Path, state: Path, more: str = "") -> Path:
    file = tmp_path / "gateway.toml"
    file.write_text(more + ABOUT.format(state=state), "utf-8")
    return file


def test_an_enrolled_gateway_needs_no_lines_of_its_own(tmp_path: Path, state: Path) -> None:
    with pytest.raises(FaultyFileError, match="yikao-gateway enrol"):
        read_settings(settings_file(tmp_path, state), {})
    with open_folder(state) as folder:
        folder.keep(enrolment_in(tmp_path))
    settings = read_settings(settings_file(tmp_path, state), {})
    assert (settings.id, settings.tenant, settings.renews) == ("gw-1", "north", True)
    assert settings.broker == BrokerAddress("broker.example", 8884, tls=True)
    assert settings.cert_file == settings.key_file
    assert settings.given == {"timezone", "state_dir"}


def test_what_is_written_goes_before(tmp_path: Path, state: Path) -> None:
    with open_folder(state) as folder:
        folder.keep(enrolment_in(tmp_path))
    other = 'broker_url = "mqtt://127.0.0.1"\nid = "gw-2"\ntenant = "south"\n'
    settings = read_settings(settings_file(tmp_path, state, other), {})
    assert (settings.id, settings.cert_file, settings.renews) == ("gw-2", None, False)
    by_hand = f'cert_file = "{state / FOLDER / CURRENT / "ca.pem"}"\n'
    by_hand += by_hand.replace("cert_file", "key_file")
    settings = read_settings(settings_file(tmp_path, state, by_hand), {})
    assert (settings.id, settings.renews, settings.broker.tls) == ("gw-1", False, True)
    with pytest.raises(FaultyFileError, match="was enrolled as gw-1"):
        read_settings(settings_file(tmp_path, state, 'id = "gw-2"\n'), {})
    (state / FOLDER / CURRENT / "enrolment.json").write_text("torn", "utf-8")
    with pytest.raises(FaultyFileError, match="enrol again"):
        read_settings(settings_file(tmp_path, state), {})
    assert read_settings(settings_file(tmp_path, state, other), {}).id == "gw-2"


@given(st.floats(-1, 2))
def test_a_certificate_is_renewed_long_before_people_are_told(share: float) -> None:
    certificate = Certificate("gw-1", "1", NOW, NOW + LIFE)
    phases = (Phase.FRESH, Phase.DUE, Phase.LATE, Phase.ENDED)
    bounds = (2 / 3, 5 / 6, 1)
    assume(all(abs(share - bound) > 1e-9 for bound in bounds))
    assert certificate.phase(NOW + LIFE * share) is phases[bisect(bounds, share)]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_retries_are_spread_and_never_stop(failures: int, chance: float) -> None:
    assert 1.0 <= pause_s(failures, chance) <= RETRY_MAX_S
    assert pause_s(1, chance) <= RETRY_FIRST_S


@pytest.mark.parametrize(
    "url",
    [
        "http://h",
        "https://",
        "h:1",
        "https://h:x",
        "https://u@h",
        "https://h/path",
        "https://h:99999",
    ],
)
def test_a_server_is_reached_over_https_alone(url: str) -> None:
    with pytest.raises(ValueError, match="https://HOST:PORT"):
        server_at(url)


def test_a_servers_address() -> None:
    assert server_at("https://[::1]:8322").url == "https://[::1]:8322"
    assert server_at("https://enrol.example/").port == 443
