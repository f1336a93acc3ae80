"""The channels' file: every channel is made from it, and each fault is told with line and fix."""

import re
import tomllib
from argparse import Namespace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.channels.ntfy import Ntfy
from yikao_alerts.channels.sms import AliyunSms
from yikao_alerts.channels.telephone import Telephone
from yikao_alerts.channels.voice import TencentVoice
from yikao_alerts.channels.wecom import WeCom
from yikao_alerts.feed.channels_file import sms_token
from yikao_alerts.feed.errors import FeedError
from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.channels_table import template_of
from yikao_ingest.cli_check import run
from yikao_ingest.errors import ServerError
from yikao_ingest.settings_channels import BUILDERS, CHANNELS_FILE, channels_of_file

EXAMPLE = Path(__file__).parents[2] / "docs" / "channels.example.toml"
SECRET = "q7Zk2LrVb9XwTn4Hc8Yd"
REPLY_SECRET = b"r" * 32


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example, with files where it names them."""
    text = EXAMPLE.read_text("utf-8").replace("/etc/yikao", str(tmp_path))
    for name in re.findall(rf"{re.escape(str(tmp_path))}/([\w.]+)\"", text):
        robots = name.endswith(".robots")
        (tmp_path / name).write_text(f"token {SECRET}\n" if robots else f"{SECRET}{SECRET}\n")
    path = tmp_path / "channels.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_example_sets_up_every_channel(example: Path) -> None:
    pytest.importorskip("apprise")
    found = channels_of_file({CHANNELS_FILE: str(example)}, REPLY_SECRET)
    assert set(found) == set(BUILDERS)
    sms, voice, ntfy = found["sms"], found["voice"], found["ntfy"]
    assert isinstance(sms, Telephone) and isinstance(sms.vendor, AliyunSms)
    assert sms.vendor.signature == "医靠" and sms.vendor.key.secret == SECRET * 2
    assert set(sms.templates) == {"zh", "en"} and sms.templates["zh"].notice is not None
    assert sms.templates["en"] == sms.templates["zh"]
    assert isinstance(voice, Telephone) and isinstance(voice.vendor, TencentVoice)
    assert isinstance(ntfy, Ntfy) and ntfy.server == "https://ntfy.example.org"
    assert isinstance(found["wecom"], WeCom)
    assert SECRET not in repr(found)


def test_without_a_file_there_is_none() -> None:
    assert channels_of_file({}, REPLY_SECRET) == {}
    assert sms_token({}) == ""


def test_the_feed_reads_where_answers_come_to(example: Path, tmp_path: Path) -> None:
    environ = {CHANNELS_FILE: str(example)}
    assert sms_token(environ) == SECRET * 2
    for weak in ("short", "x" * 21, "中" * 30, "a/b" * 20):
        (tmp_path / "sms.token").write_text(weak, "utf-8")
        with pytest.raises(FeedError, match="openssl"):
            sms_token(environ)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('cloud = "aliyun"', 'cloud = "pigeons"', 'cloud = "pigeons"', "one of aliyun, tencent"),
        ('signature = "医靠"', "", "[sms]", "[sms] signature is missing"),
        ('key_id = "LTAI0123456789"', "key_id = 7", "key_id = 7", "Write a text"),
        ("agent_id = 1000002", 'agent_id = "x"', "agent_id", "whole number"),
        ('"https://ntfy.example.org"', '"ntfy"', "server =", "https://HOST"),
        ("[bark]", "[bark]\nloud = true", "loud = true", "Take it away"),
        ("[bark]", "[pigeon]", "[pigeon]", "Write a table [wecom]"),
        ('"{episode}", short', '"{name}", short', "zh = {", "in braces stand text"),
        ("sms.secret", "none.secret", "key_secret_file", "Name a file"),
        ("voice.secret", "", "key_secret_file", "Name a file"),
    ],
)
def test_each_fault_is_told_with_its_line_and_its_fix(
    example: Path, old: str, new: str, line: str, said: str
) -> None:
    text = example.read_text("utf-8")
    assert old in text
    changed = text.replace(old, new, 1)
    example.write_text(changed, "utf-8")
    with pytest.raises(FaultyFileError) as caught:
        channels_of_file({CHANNELS_FILE: str(example)}, REPLY_SECRET)
    (fault,) = caught.value.faults
    assert said in str(fault)
    assert line in changed.splitlines()[fault.line - 1]
    assert SECRET not in str(caught.value)


def test_a_robot_without_a_secret_is_a_fault(example: Path, tmp_path: Path) -> None:
    (tmp_path / "feishu.robots").write_text("only-a-token\n")
    with pytest.raises(FaultyFileError, match="TOKEN SECRET"):
        channels_of_file({CHANNELS_FILE: str(example)}, REPLY_SECRET)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="cannot be read"):
        channels_of_file({CHANNELS_FILE: str(tmp_path / "none")}, REPLY_SECRET)
    (tmp_path / "bad").write_text("[sms", "utf-8")
    with pytest.raises(FaultyFileError, match="not valid TOML"):
        channels_of_file({CHANNELS_FILE: str(tmp_path / "bad")}, REPLY_SECRET)


@given(st.text())
def test_any_file_is_read_or_told_faulty(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any-channels.toml"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        found = channels_of_file({CHANNELS_FILE: str(path)}, REPLY_SECRET)
    except FaultyFileError as error:
        assert error.faults
    else:
        assert set(found) <= set(tomllib.loads(path.read_text("utf-8-sig")))


WORDS = st.sampled_from(("template", "parameters", "{episode}", "{name}"))


@given(st.dictionaries(WORDS, WORDS | st.integers() | st.dictionaries(WORDS, WORDS | st.none())))
def test_any_table_is_a_template_or_not(table: dict[str, object]) -> None:
    template = template_of(table)
    assert template is None or (template.number and "{name}" not in template.parameters.values())


@pytest.mark.parametrize("table", [None, 7, "SMS_1", [], {"template": ""}, {"parameters": {}}])
def test_what_is_no_template_is_none(table: object) -> None:
    assert template_of(table) is None


def checked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: Path
) -> list[str]:
    """Return what `yikao check` says of the channels, on a machine where nothing runs."""
    monkeypatch.setenv(CHANNELS_FILE, str(file))
    monkeypatch.delenv(LINK_SECRET_FILE, raising=False)
    assert run(Namespace(data=file.parent, language="en")) == 1
    said = capsys.readouterr().out
    assert SECRET not in said
    return [line for line in said.splitlines() if " channels:" in line]


def test_check_says_what_is_set_up_and_what_is_not(
    example: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = example.read_text("utf-8")
    example.write_text(text[: text.index("[ntfy]")], "utf-8")
    (line,) = checked(monkeypatch, capsys, example)
    assert line.startswith("ok") and "sms, voice" in line
    assert line.endswith("not set up: ntfy, bark, apprise, smtp")


def test_check_says_where_the_file_is_wrong(
    example: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example.write_text("[bark]\nloud = true\n", "utf-8")
    (line,) = checked(monkeypatch, capsys, example)
    assert line.startswith("!!") and "line 2" in line
