"""What a gateway says of itself and hears on its connection: configuration, machine, paces."""

import logging
import os
import platform
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from delivery_scene import Scene, on_broker
from gateway_parts import CUFF, NOW
from server_end import ServerEnd
from stage import eventually

from yikao_devices import topics, wire
from yikao_devices.wire_configuration import ADAPTERS_MAX
from yikao_gateway.configuration.configured import OURS, Configured
from yikao_gateway.configuration.machine import machine_of
from yikao_gateway.settings import Settings, read_settings
from yikao_gateway.visits.visit import event_of

FEW = 10
SETTINGS = """
id = "gw-1"
tenant = "t"
broker_url = "mqtts://127.0.0.1"
timezone = "Asia/Shanghai"
state_dir = "{folder}"
"""


def settings_in(folder: Path, **files: Path) -> Settings:
    file = folder / "gateway.toml"
    more = "".join(f'{key} = "{path}"\n' for key, path in files.items())
    file.write_text(SETTINGS.format(folder=folder) + more)
    return read_settings(file, {})


@pytest.fixture(autouse=True)
def level_as_before() -> Iterator[None]:
    """The log level is this process's own here."""
    logger = logging.getLogger(OURS)
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    door = tmp_path / "door.crt"
    door.write_text("no certificate")
    return settings_in(tmp_path, cert_file=door, key_file=door)


@on_broker
async def test_its_word_is_told_at_each_change_and_kept_by_the_broker(s: Scene) -> None:
    database = s.outbox._database
    configured = Configured(database, settings_in(database.path.parent), lambda: NOW, lambda: 0.0)
    configured.begin()
    s.post = replace(s.post, configured=configured)
    s.starts()
    first = await s.server.hears(topics.CONFIGURATION_STATE)
    assert wire.decode_configuration_state(first.payload).revision == 0
    wish = wire.Configuration(1, eager_s=2.0)
    s.server.says(topics.CONFIGURATION, wire.encode(wish))
    told = await s.server.hears(topics.CONFIGURATION_STATE)
    assert wire.decode_configuration_state(told.payload).outcome == "trying"
    await eventually(lambda: configured._acknowledged)
    later = ServerEnd(s.server.gateway)
    await later.connect(s.url)
    try:
        kept = await later.hears(topics.CONFIGURATION_STATE)
    finally:
        await later.close()
    assert kept.retain
    assert kept.payload == told.payload


@on_broker
async def test_a_narrow_line_has_few_of_the_backlog_under_way(s: Scene) -> None:
    s.post = replace(s.post, backlog_rows=FEW)
    for number in range(3 * FEW):
        at = NOW - timedelta(hours=2) + timedelta(seconds=number)
        s.outbox.add(event_of(CUFF, "measurement_failed", at), at)
    s.starts()
    for _ in range(3):
        heard = await s.server.hears_items(FEW)
        ids = [each for message in heard for each in message.ids]
        assert len(ids) == FEW
        s.server.receipts(ids)
    await s.settles(lambda counts: counts.open == 0)


def test_it_says_what_it_runs_on_and_nothing_of_whose_it_is(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bluetoothctl"
    program.write_text("#!/bin/sh\necho 'bluetoothctl: 5.66'\n")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    machine = machine_of(settings)()
    assert (machine.bluez, machine.python) == ("5.66", platform.python_version())
    assert machine.disk_free_mib > 0
    assert len(machine.adapters) <= ADAPTERS_MAX
    assert machine.certificate_until is None, "the file has none"
    assert socket.gethostname() not in wire.encode(machine).decode()


def test_without_the_tool_the_version_is_not_known(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine_of(settings)().bluez is None
    assert machine_of(replace(settings, radio="sim:unix:air"))().adapters == ()
