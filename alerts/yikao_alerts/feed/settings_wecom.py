"""How the feed knows what WeCom tells it: the callback's token and key, from the channels' file.

They are what WeCom's console shows under "receive messages" (接收消息).
"""

from collections.abc import Mapping
from typing import Final

from yikao_alerts.channels.wecom_seal import KeyFormError, Seal, seal_of
from yikao_alerts.feed.channels_file import CALLBACK_TOKEN_FILE, read, table_of
from yikao_alerts.feed.errors import FeedError

CALLBACK_KEY_FILE: Final = "callback_key_file"


def wecom_seal(environ: Mapping[str, str]) -> Seal | None:
    """Return the seal; None without a callback. Refuses with `FeedError` what cannot be used."""
    table = table_of(environ, "wecom")
    if CALLBACK_TOKEN_FILE not in table and CALLBACK_KEY_FILE not in table:
        return None
    names = ("corp_id", CALLBACK_TOKEN_FILE, CALLBACK_KEY_FILE)
    corp_id, token_file, key_file = (str(table.get(name, "")) for name in names)
    if not (corp_id and token_file and key_file):
        raise FeedError("[wecom] is not complete", f"give it {', '.join(names)}")
    try:
        return seal_of(corp_id, read(token_file), read(key_file))
    except KeyFormError as error:
        raise FeedError(f"{key_file}: {error}", "copy it from WeCom's console") from error
