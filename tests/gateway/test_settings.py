"""Settings: every fault is told at once, with its line and what to write instead."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from yikao_devices.models import model_named
from yikao_devices.toml_lines import FaultyFileError
from yikao_gateway.settings import ListedDevice, Settings, read_settings
from yikao_gateway.settings_values import BrokerAddress, PageAddress

GOOD = """\
id = "gw-0001"
tenant = "centre"
broker_url = "mqtts://broker.example.org"
timezone = "Asia/Shanghai"

[[devices]]
address = "c4:1d:00:00:00:2a"
passkey = "012345"

[[devices]]
address = "C4:1D:00:00:00:2B"
model = "beurer-bm85"
"""


def read(folder: Path, text: str, **environment: str) -> Settings:
    path = folder / "gateway.toml"
    path.write_text(text, "utf-8")
    return read_settings(path, environment)


def faults(folder: Path, text: str, **environment: str) -> list[str]:
    with pytest.raises(FaultyFileError) as caught:
        read(folder, text, **environment)
    return [str(fault) for fault in caught.value.faults]


def test_a_good_file(tmp_path: Path) -> None:
    settings = read(tmp_path, GOOD)
    assert settings.broker == BrokerAddress("broker.example.org", 8883, tls=True)
    assert settings.zone.key == "Asia/Shanghai"
    assert (settings.language, settings.radio, settings.reread_s) == ("zh", "bluez", 60.0)
    assert settings.devices == (
        ListedDevice("C4:1D:00:00:00:2A", None, 12345),
        ListedDevice("C4:1D:00:00:00:2B", model_named("beurer-bm85"), None),
    )


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        GOOD,
        YIKAO_GATEWAY_BROKER_URL="mqtt://127.0.0.1:1999",
        YIKAO_GATEWAY_REREAD_S="0.5",
        YIKAO_CLOCK="",
        PATH="/bin",
    )
    assert settings.broker == BrokerAddress("127.0.0.1", 1999, tls=False)
    assert settings.reread_s == 0.5


def test_the_page_is_for_this_machine_unless_it_is_said(tmp_path: Path) -> None:
    assert read(tmp_path, GOOD).page is None
    here = read(tmp_path, 'page = "[::1]:8089"\nspeak = true\n' + GOOD)
    assert (str(here.page and here.page.host), here.speak) == ("::1", True)
    home = read(
        tmp_path,
        'page_anywhere = true\npage = "192.168.1.9:80"\n' + GOOD,
        YIKAO_GATEWAY_SPEAK="false",
    )
    assert home.page == PageAddress(ip_address("192.168.1.9"), 80)
    assert home.speak is False


def test_every_fault_is_told_with_its_line_and_remedy(tmp_path: Path) -> None:
    text = """\
id = "gw/1"
tenant = "centre"
broker_url = "http://broker"
timezone = "Shanghai"
langauge = "zh"
password = "secret"
reread_s = "often"

[[devices]]
address = "C4:1D"

[[devices]]
address = "C4:1D:00:00:00:2A"
model = "unheard-of"
passkey = 1234567
pin = 1
"""
    told = faults(tmp_path, text)
    assert [fault.split(":")[0] for fault in told] == [
        f"line {line}" for line in (1, 3, 4, 5, 6, 7, 10, 14, 15, 16)
    ]
    assert "Write 1 to 64 characters" in told[0]
    assert "mqtts://HOST:PORT" in told[1]
    assert "password_file" in told[4]
    assert not any("secret" in fault for fault in told)


def test_what_is_missing_is_told_with_both_ways_to_give_it(tmp_path: Path) -> None:
    told = faults(tmp_path, "")
    assert len(told) == 4
    assert told[0] == (
        "id is missing. Write id = ... , or set YIKAO_GATEWAY_ID, or `yikao-gateway enrol` with a"
        " code"
    )
    assert told[3] == "timezone is missing. Write timezone = ... , or set YIKAO_GATEWAY_TIMEZONE"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ('ca_file = "/etc/hostname"\n', "mqtts://"),
        ('cert_file = "/etc/hostname"\n', "both cert_file and key_file"),
        ('password_file = "/etc/hostname"\n', "username"),
        ('key_file = "/does/not/exist"\n', "can read"),
        ('state_dir = "state"\n', "absolute path"),
        ("devices = 3\n", "[[devices]]"),
        ("radio = 7\n", "sim:unix:PATH"),
        ('page = "8089"\n', "127.0.0.1:8089"),
        ('page = "home:8089"\n', "127.0.0.1:8089"),
        ('page = "127.0.0.1"\n', "127.0.0.1:8089"),
        ('page = "127.0.0.1:80899"\n', "127.0.0.1:8089"),
        ('page = "0.0.0.0:8089"\n', "page_anywhere = true"),
        ('speak = "loud"\n', "true or false"),
        ("station = true\n", "nowhere to read cards"),
        ('station = true\npage = "127.0.0.1:8089"\nspeak = true\n', "Leave speak out"),
        ("[broker]\nurl = 1\n", "broker is unknown"),
        (GOOD[GOOD.index("[[") :] + '[[devices]]\naddress = "C4:1D:00:00:00:2A"\n', "twice"),
    ],
)
def test_what_is_wrong_in_its_company(tmp_path: Path, more: str, word: str) -> None:
    good = GOOD[: GOOD.index("[[")].replace("mqtts", "mqtt")
    assert any(word in fault for fault in faults(tmp_path, good + more))


def test_a_password_in_the_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    told = faults(tmp_path, GOOD.replace("mqtts://", "mqtts://me:hunter2@"))
    assert "username and password_file" in told[0]
    assert "hunter2" not in told[0]


def test_an_unknown_variable_is_a_fault(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, GOOD, YIKAO_GATEWAY_BROKER="x")
    assert told.startswith("YIKAO_GATEWAY_BROKER is unknown")


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (told,) = faults(tmp_path, 'id = "gw"\ntenant = centre\n')
    assert told.startswith("line 2: not valid TOML")
    with pytest.raises(FaultyFileError, match="cannot be read"):
        read_settings(tmp_path / "none.toml", {})
