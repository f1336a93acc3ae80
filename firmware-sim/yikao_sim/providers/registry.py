"""Which fake providers there are, by the name of the channel that speaks to them."""

from collections.abc import Callable, Mapping
from typing import Final

from yikao_sim.providers.aliyun import AliyunSms, AliyunVoice
from yikao_sim.providers.bark import BarkServer
from yikao_sim.providers.ntfy import NtfyServer
from yikao_sim.providers.provider import Provider, Setup
from yikao_sim.providers.robots import DingTalkRobot, FeishuRobot
from yikao_sim.providers.tencent import TencentSms, TencentVoice
from yikao_sim.providers.webhook import WebhookReceiver
from yikao_sim.providers.wecom import WeCom

PROVIDERS: Final[Mapping[str, Callable[[Setup], Provider]]] = {
    "aliyun-sms": AliyunSms,
    "aliyun-voice": AliyunVoice,
    "bark": BarkServer,
    "dingtalk": DingTalkRobot,
    "feishu": FeishuRobot,
    "ntfy": NtfyServer,
    "tencent-sms": TencentSms,
    "tencent-voice": TencentVoice,
    "webhook": WebhookReceiver,
    "wecom": WeCom,
}
