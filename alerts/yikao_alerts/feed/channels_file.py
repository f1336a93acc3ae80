"""What the feed reads of the channels' file: how to know that it is a provider who speaks to us.

The same file sets up the channels themselves, for the pager; here a single table is looked at.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from yikao_alerts.feed.errors import FeedError
from yikao_devices.toml_lines import FaultyFileError, parse_toml

CHANNELS_FILE: Final = "YIKAO_CHANNELS_FILE"
CALLBACK_TOKEN_FILE: Final = "callback_token_file"
TOKEN_LETTERS_MIN: Final = 22
"""128 bits in Base64: the token is all that a stranger would need."""


def table_of(environ: Mapping[str, str], name: str) -> dict[str, Any]:
    """Return the table `[name]`, empty where there is none; refuses with `FeedError`."""
    path = environ.get(CHANNELS_FILE)
    if not path:
        return {}
    try:
        values, _ = parse_toml(_text(path), path)
    except FaultyFileError as error:
        raise FeedError(str(error), "mend the file") from error
    found = values.get(name, {})
    return found if isinstance(found, dict) else {}


def read(path: str) -> str:
    """Return a file's text without blanks around; refuses with `FeedError`."""
    return _text(path).strip()


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FeedError(f"{path} cannot be read: {error}", "mend the file or its name") from error


def sms_token(environ: Mapping[str, str]) -> str:
    """Return the secret part of the address that text messages' answers come to; "" without one.

    The clouds sign nothing there, so that the address itself is the secret.
    """
    path = table_of(environ, "sms").get(CALLBACK_TOKEN_FILE)
    if path is None:
        return ""
    token = read(str(path))
    if len(token) < TOKEN_LETTERS_MIN or not token.isascii() or not token.isalnum():
        raise FeedError(
            f"{path} has no token of {TOKEN_LETTERS_MIN} or more letters and digits",
            f"openssl rand -hex 16 > {path}",
        )
    return token
