"""Which ways to people are set up: the channels' file, and the few that the environment sets up.

`YIKAO_CHANNELS_FILE` names a TOML file with a table for each channel; `docs/channels.example.toml`
has every key. It holds no secret, so that it may be kept under version control.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from yikao_alerts.channels import sms, voice
from yikao_alerts.channels.apprise import AppriseChannel, AppriseMissingError, load_apprise
from yikao_alerts.channels.bark import Bark
from yikao_alerts.channels.channel import Channel
from yikao_alerts.channels.cloud import CloudKey, Vendor
from yikao_alerts.channels.dingtalk import DingTalk
from yikao_alerts.channels.feishu import Feishu
from yikao_alerts.channels.http import Http
from yikao_alerts.channels.ntfy import Ntfy
from yikao_alerts.channels.telephone import Telephone
from yikao_alerts.channels.wecom import BASE as WECOM
from yikao_alerts.channels.wecom import WeCom, WeComApp
from yikao_alerts.feed.channels_file import CHANNELS_FILE
from yikao_devices.toml_lines import Fault, FaultyFileError, parse_toml
from yikao_ingest.channels_table import ChannelTable
from yikao_ingest.errors import ServerError

CLOUDS: Final = ("aliyun", "tencent")


@dataclass(frozen=True, slots=True)
class Common:
    """What channels share: one client, and the key of the codes by which messages are answered."""

    reply_secret: bytes = field(repr=False)
    http: Http


Build = Callable[[ChannelTable, Common], Channel]


def channels_of_file(environ: Mapping[str, str], reply_secret: bytes) -> dict[str, Channel]:
    """Return the channels of the file, by the names contacts use; none without a file.

    reply_secret: makes the codes by which text messages are answered. Refuses a faulty file with
    `FaultyFileError`, all faults at once, and one that cannot be read with `ServerError`.
    """
    path = environ.get(CHANNELS_FILE)
    if not path:
        return {}
    values, lines = parse_toml(_text(path), path)
    # One client for all: each has the system's certificates in it, and reading those takes a while.
    common = Common(reply_secret, Http())
    faults: list[Fault] = []
    found: dict[str, Channel] = {}
    for name, table in values.items():
        build = BUILDERS.get(name)
        if build is None or not isinstance(table, dict):
            fix = f"Write a table [{'], ['.join(BUILDERS)}]"
            faults.append(Fault(lines.of(name) or lines.of("", 0, name), f"{name} is none", fix))
            continue
        section = ChannelTable(name, table, lines, faults)
        found[name] = build(section, common)
        section.finish()
    if faults:
        raise FaultyFileError(path, faults)
    return found


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ServerError(f"{CHANNELS_FILE}={path} cannot be read", "mend the file") from error


def _sms(table: ChannelTable, common: Common) -> Channel:
    cloud, key = _cloud(table)
    # The feed reads it: where replies come in.
    table.secret("callback_token_file", needed=False)
    signature = table.text("signature")
    vendor: Vendor
    if cloud == "tencent":
        endpoint = table.address("endpoint", sms.TENCENT)
        vendor = sms.TencentSms(key, table.text("app_id"), signature, endpoint)
    else:
        vendor = sms.AliyunSms(key, signature, table.address("endpoint", sms.ALIYUN))
    return Telephone(vendor, table.templates(), common.reply_secret, common.http)


def _voice(table: ChannelTable, common: Common) -> Channel:
    cloud, key = _cloud(table)
    vendor: Vendor
    if cloud == "tencent":
        endpoint = table.address("endpoint", voice.TENCENT)
        vendor = voice.TencentVoice(key, table.text("app_id"), endpoint)
    else:
        endpoint = table.address("endpoint", voice.ALIYUN)
        vendor = voice.AliyunVoice(key, table.text("shown_number", ""), endpoint)
    return Telephone(vendor, table.templates(), common.reply_secret, common.http)


def _cloud(table: ChannelTable) -> tuple[str, CloudKey]:
    cloud = table.choice("cloud", CLOUDS)
    return cloud, CloudKey(table.text("key_id"), table.secret("key_secret_file"))


def _ntfy(table: ChannelTable, common: Common) -> Channel:
    server = table.address("server", "")
    return Ntfy(server, table.secret("token_file", needed=bool(server)), common.http)


def _bark(_: ChannelTable, common: Common) -> Channel:
    return Bark(common.http)


def _apprise(table: ChannelTable, _: Common) -> Channel:
    try:
        return AppriseChannel(load_apprise())
    except AppriseMissingError as error:
        raise ServerError(
            f"[{table.name}] needs the library Apprise", "pip install 'yikao[apprise]'"
        ) from error


def _wecom(table: ChannelTable, common: Common) -> Channel:
    # The feed reads these two: where pressed buttons come in.
    token = table.secret("callback_token_file", needed=False)
    key = table.secret("callback_key_file", needed=False)
    app = WeComApp(
        table.text("corp_id"),
        table.number("agent_id"),
        table.secret("secret_file"),
        table.address("endpoint", WECOM),
        cards=bool(token and key),
    )
    return WeCom(app, common.http)


def _dingtalk(table: ChannelTable, common: Common) -> Channel:
    return DingTalk(table.pairs("robots_file"), common.http)


def _feishu(table: ChannelTable, common: Common) -> Channel:
    return Feishu(table.pairs("robots_file"), common.http)


BUILDERS: Final[Mapping[str, Build]] = {
    "wecom": _wecom,
    "dingtalk": _dingtalk,
    "feishu": _feishu,
    "sms": _sms,
    "voice": _voice,
    "ntfy": _ntfy,
    "bark": _bark,
    "apprise": _apprise,
}
"""How each table of the file becomes a channel."""
