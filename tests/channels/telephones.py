"""The telephones of this suite, which need more than a secret: a key, and the fakes' templates."""

from collections.abc import Callable
from typing import Final

from yikao_alerts.channels.channel import Channel
from yikao_alerts.channels.cloud import CloudKey, Vendor
from yikao_alerts.channels.http import Http
from yikao_alerts.channels.sms import AliyunSms, TencentSms
from yikao_alerts.channels.telephone import Telephone
from yikao_alerts.channels.template import Template, Templates
from yikao_alerts.channels.voice import AliyunVoice, TencentVoice
from yikao_sim.providers.telephones import (
    APP_ID,
    KEY_ID,
    SIGNATURE,
    SMS_TEMPLATE,
    VOICE_TEMPLATE,
)

KEY_SECRET: Final = "a secret that only the two know"
REPLY_SECRET: Final = b"r" * 32
KEY: Final = CloudKey(KEY_ID, KEY_SECRET)
MOBILE: Final = "+8613800138000"
SMS: Final = Template(SMS_TEMPLATE, {"text": "{text}", "short": "{short}", "code": "{code}"})
VOICE: Final = Template(VOICE_TEMPLATE, {"text": "{text}"})


def telephone(
    template: Template, vendor: Callable[[str], Vendor]
) -> Callable[[str, Http], Channel]:
    """Return how a channel is made for a cloud at a base address."""

    def made(base: str, http: Http) -> Channel:
        return Telephone(vendor(base), {"zh": Templates(template)}, REPLY_SECRET, http)

    return made


TELEPHONES: Final = {
    "aliyun-sms": telephone(SMS, lambda base: AliyunSms(KEY, SIGNATURE, base)),
    "aliyun-voice": telephone(VOICE, lambda base: AliyunVoice(KEY, "", base)),
    "tencent-sms": telephone(SMS, lambda base: TencentSms(KEY, APP_ID, SIGNATURE, base)),
    "tencent-voice": telephone(VOICE, lambda base: TencentVoice(KEY, APP_ID, base)),
}
