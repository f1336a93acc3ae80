"""What the channels' file says of WeCom's callback, and what is said when it cannot be used."""

from pathlib import Path

import pytest

from yikao_alerts.feed.channels_file import CHANNELS_FILE
from yikao_alerts.feed.errors import FeedError
from yikao_alerts.feed.settings_wecom import wecom_seal

KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"

TABLE = """
[wecom]
corp_id = "ww1"
callback_token_file = "FOLDER/{token}"
callback_key_file = "FOLDER/{key}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("QDG6eK\n")
    (tmp_path / "key").write_text(KEY + "\n")
    return tmp_path


def environ(folder: Path, text: str) -> dict[str, str]:
    path = folder / "channels.toml"
    path.write_text(text.replace("FOLDER", str(folder)), "utf-8")
    return {CHANNELS_FILE: str(path)}


def test_the_seal_is_made_of_the_files(folder: Path) -> None:
    text = TABLE.format(token="token", key="key")
    seal = wecom_seal(environ(folder, text))
    assert seal is not None
    assert (seal.corp_id, seal.token, len(seal.key)) == ("ww1", "QDG6eK", 32)
    assert "QDG6eK" not in repr(seal)
    # Windows editors begin a file with a mark; the pager reads such a file too.
    assert wecom_seal(environ(folder, "\ufeff" + text)) == seal


def test_without_a_callback_there_is_none(folder: Path) -> None:
    assert wecom_seal({}) is None
    assert wecom_seal(environ(folder, '[wecom]\ncorp_id = "ww1"')) is None
    assert wecom_seal(environ(folder, "wecom = 1")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n\n[wecom\na = 1\n", "line 3: not valid TOML"),
        ('[wecom]\ncallback_token_file = "FOLDER/token"', "not complete"),
        (TABLE.format(token="token", key="token"), "43"),
        (TABLE.format(token="none", key="key"), "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said(folder: Path, text: str, said: str) -> None:
    with pytest.raises(FeedError, match=said):
        wecom_seal(environ(folder, text))


def test_a_file_that_is_not_there_is_said(folder: Path) -> None:
    with pytest.raises(FeedError, match="cannot be read"):
        wecom_seal({CHANNELS_FILE: str(folder / "none.toml")})
