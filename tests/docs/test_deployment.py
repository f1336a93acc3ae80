"""Compose file, broker's configuration, secrets and unit files fit together, and shut all in.

What can be tried without a container engine is: units by systemd's own check, secrets by making
them.
"""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from fix_servers import require

from yikao_devices.version import VERSION
from yikao_ingest.cli import _parser
from yikao_ingest.embedded.broker_engines import INFLIGHT_MAX, MESSAGE_MAX_BYTES
from yikao_ingest.enrolment.authority import load_authority
from yikao_ingest.metrics import metrics_address
from yikao_ingest.roles import FURTHER, ROLES
from yikao_ingest.settings import BROKER_URL, CA_DIR, METRICS_LISTEN, broker_address

ROOT = Path(__file__).parents[2]
INGEST = ROOT / "ingest"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if "build" in one}
UNITS = sorted([*(INGEST / "systemd").glob("*.service"), *(ROOT / "gateway").glob("*.service")])
INSTANCES = (*ROLES, *FURTHER, "watch")
EXPOSURE_MAX = 20
"""Tenths, by systemd's own reckoning of 0 (shut in) to 10."""
HARDENED = {
    "DynamicUser=yes",
    "ProtectSystem=strict",
    "NoNewPrivileges=yes",
    "CapabilityBoundingSet=",
    "Restart=always",
}


def test_every_service_shuts_itself_in() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        assert "privileged" not in service
    assert {name for name, one in SERVICES.items() if "cap_add" in one} == {"database"}


def test_the_servers_are_new_enough_and_named_by_version() -> None:
    assert re.fullmatch(r"timescale/timescaledb:2\.(29|[3-9]\d)\.\d+-pg18", image("database"))
    assert re.fullmatch(r"eclipse-mosquitto:2\.[1-9]\d*\.\d+", image("broker"))
    assert {image(name).partition(":")[2] for name in OURS} == {VERSION}


def image(name: str) -> str:
    return str(SERVICES[name]["image"])


def test_every_role_runs_and_every_command_is_one_of_ours() -> None:
    assert {*INSTANCES, "migrate", "demo"} == OURS.keys()
    for name, service in OURS.items():
        assert _parser().parse_args(service["command"]).command == name
    assert {n for n, one in SERVICES.items() if "profiles" in one} == {"watch", "demo", *FURTHER}


def test_only_gateways_and_this_machine_reach_anything() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    feed = {"feed": ["127.0.0.1:8321:8321"]}
    assert published == {"broker": ["8883:8883"], "enrol": ["8322:8322"]} | feed
    host, _ = broker_address(OURS["ingest"]["environment"][BROKER_URL])
    assert host in SERVICES
    told = metrics_address(OURS["ingest"]["environment"])
    assert told is not None and [str(told[1])] == OURS["ingest"]["expose"]
    assert METRICS_LISTEN not in OURS["pager"]["environment"]


def test_whoever_goes_on_says_whether_it_is_well() -> None:
    for name in (*INSTANCES, "database", "broker"):
        assert "test" in SERVICES[name]["healthcheck"], name
    for name in INSTANCES:
        assert SERVICES[name]["depends_on"].keys() == {"migrate", "broker"}


def test_each_secret_is_a_file_that_is_made_and_used() -> None:
    declared = {name: one["file"] for name, one in COMPOSE["secrets"].items()}
    assert declared == {name: f"./secrets/{name}" for name in declared}
    used = {name for one in SERVICES.values() for name in one.get("secrets", ())}
    assert used == declared.keys()
    for name, service in SERVICES.items():
        text = str({key: value for key, value in service.items() if key != "secrets"})
        named = set(re.findall(r"/run/secrets/([\w.-]+)", text))
        if name == "broker":
            named |= set(re.findall(r"^\w+ /run/secrets/([\w.-]+)$", MOSQUITTO, re.MULTILINE))
        given = set(service.get("secrets", ()))
        assert given <= named or name == "feed", name
        # Who has no webhook to sign has the setting all the same, and not its key.
        assert named - given <= {"webhook.key"}, name


MOSQUITTO = (INGEST / "mosquitto.conf").read_text("utf-8")


def test_the_broker_keeps_what_it_acknowledges_and_lets_nobody_in_without_a_certificate() -> None:
    settings = [line for line in MOSQUITTO.splitlines() if line and not line.startswith("#")]
    homes, servers = "\n".join(settings).split("listener ")[1:]
    assert homes.startswith("8883\n") and servers.startswith("1883\n")
    assert "require_certificate true" in homes and "listener_allow_anonymous false" in homes
    for line in (
        "plugin /usr/lib/mosquitto_persist_sqlite.so",
        "plugin_opt_flush_period 0",
        "plugin_opt_sync full",
        "max_queued_messages 0",
        f"max_inflight_messages {INFLIGHT_MAX}",
        f"message_size_limit {MESSAGE_MAX_BYTES}",
    ):
        assert line in settings
    # mosquitto 2.1 refuses its own store beside a plugin's.
    assert not any(line.startswith("persistence ") for line in settings)
    mounts = {volume.split(":")[1] for volume in SERVICES["broker"]["volumes"]}
    location = next(line for line in settings if line.startswith("persistence_location "))
    assert location.split()[1] in mounts
    for line in settings:
        if line.startswith("acl_file "):
            assert line.split()[1] in mounts


@pytest.mark.parametrize("file", [INGEST / "Dockerfile", ROOT / "gateway" / "Dockerfile"], ids=str)
def test_images_run_as_nobody_in_particular(file: Path) -> None:
    text = file.read_text("utf-8")
    *_, last = re.findall(r"^USER (\d+)$", text, re.MULTILINE)
    assert int(last) >= 10_000 and f"--uid {last}" in text
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2, "what builds is left behind"
    ignored = file.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert ignored[0] == "*"
    copied = {
        word for line in re.findall(r"^COPY ([^-].*) \S+$", text, re.M) for word in line.split()
    }
    assert copied == {line.removeprefix("!") for line in ignored if line.startswith("!")}


def test_secrets_are_made_once_each_for_its_reader(tmp_path: Path) -> None:
    require(os.geteuid() == 0 and shutil.which("openssl") is not None, "root and openssl")
    folder = tmp_path / "secrets"
    command = ["bash", str(INGEST / "make-secrets.sh"), str(folder), "broker.example.org"]
    subprocess.run(command, check=True, capture_output=True)
    before = {file.name: (file.read_bytes(), owner(file)) for file in folder.iterdir()}
    assert COMPOSE["secrets"].keys() <= before.keys()
    readers = {"broker": 1883} | dict.fromkeys(OURS, 10001) | {"database": 0}
    for name, service in SERVICES.items():
        for secret in service.get("secrets", ()):
            readable = (folder / secret).stat().st_mode & stat.S_IROTH
            assert readable or before[secret][1] == readers[name], f"{name} cannot read {secret}"
    assert (folder / "ca.key").stat().st_mode & 0o077 == 0
    subprocess.run(command, check=True, capture_output=True)
    assert {file.name: (file.read_bytes(), owner(file)) for file in folder.iterdir()} == before
    subprocess.run([*command[:3], "--authority"], check=True, capture_output=True)
    authority = load_authority({CA_DIR: str(folder / "authority")})
    assert authority.pem == (folder / "ca.crt").read_text("utf-8")
    assert owner(folder / "authority" / "ca.key") == owner(folder / "crl") == 10001
    subprocess.run([*command[:3], "--gateway", "gw-1"], check=True, capture_output=True)
    for name in ("broker", "gateway-gw-1"):
        proof = [
            "openssl",
            "verify",
            "-CAfile",
            str(folder / "ca.crt"),
            str(folder / f"{name}.crt"),
        ]
        subprocess.run(proof, check=True, capture_output=True)


def owner(file: Path) -> int:
    return file.stat().st_uid


def test_every_unit_is_hardened_and_starts_a_command_of_ours() -> None:
    names = {unit.name for unit in UNITS}
    assert names == {"yikao.service", "yikao@.service", "yikao-gateway.service"}
    for unit in UNITS:
        lines = set(unit.read_text("utf-8").splitlines())
        assert lines >= HARDENED, f"{unit.name}: {HARDENED - lines}"
        assert not any(line.startswith("WatchdogSec") for line in lines), "nobody pats the dog"
    for role in INSTANCES:
        assert _parser().parse_args([role]).command == role


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """Every unit, the template once for each role, with programs that exist."""
    require(shutil.which("systemd-analyze") is not None, "systemd-analyze")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("yikao", "yikao-gateway"):
        (programs / name).write_text("#!/bin/sh\n", "utf-8")
        (programs / name).chmod(0o755)
    found = []
    for unit in UNITS:
        text = unit.read_text("utf-8").replace("/opt/yikao/bin/", f"{programs}/")
        for instance in INSTANCES if "@" in unit.name else ("",):
            file = tmp_path / unit.name.replace("@", f"@{instance}")
            file.write_text(text, "utf-8")
            found.append(str(file))
    for folder in (INGEST / "systemd").glob("*.service.d"):
        assert (tmp_path / folder.name.removesuffix(".d")).exists(), "for a role that there is"
        shutil.copytree(folder, tmp_path / folder.name)
    return found


def test_systemd_understands_every_unit(units: list[str]) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_systemd_finds_every_unit_well_shut_in(units: list[str]) -> None:
    threshold = f"--threshold={EXPOSURE_MAX}"
    command = ["systemd-analyze", "security", "--offline=true", threshold, "--no-pager", *units]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, re.findall(r"^→.*$", done.stdout, re.MULTILINE)
    assert len(re.findall(r"Overall exposure level", done.stdout)) == len(units)
