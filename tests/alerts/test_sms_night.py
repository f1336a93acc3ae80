"""A night by telephone: a text message goes out, its receipt comes, and its code takes the page."""

import asyncio
from collections.abc import Mapping

from fix_watch import SECRET, Watch
from pager_parts import Desks, decided, red, setting, states, story

from yikao_alerts.channels.channel import Channel
from yikao_alerts.channels.cloud import CloudKey, Vendor
from yikao_alerts.channels.sms import AliyunSms, TencentSms
from yikao_alerts.channels.sms_reply import PUSHES
from yikao_alerts.channels.telephone import Telephone
from yikao_alerts.channels.template import Template, Templates
from yikao_alerts.outbox.receipts import ReceiptDesk
from yikao_alerts.pager import Pager
from yikao_alerts.replied import Heard, take_by_reply
from yikao_sim.providers.door import Door
from yikao_sim.providers.provider import Setup
from yikao_sim.providers.registry import PROVIDERS
from yikao_sim.providers.server import serving
from yikao_sim.providers.telephones import APP_ID, KEY_ID, SIGNATURE, SMS_TEMPLATE

NUMBER = "13800138000"
KEY = CloudKey(KEY_ID, "only the two know")
TEMPLATE = Template(
    SMS_TEMPLATE, {"text": "#{episode} 1 {code}", "short": "{short}", "code": "{code}"}
)


def vendor(cloud: str, base: str) -> Vendor:
    if cloud == "aliyun":
        return AliyunSms(KEY, SIGNATURE, base)
    return TencentSms(KEY, APP_ID, SIGNATURE, base)


async def a_night(cloud: str, watch: Watch, desk: Desks) -> None:
    """Tell the story with this cloud."""
    connection = (await desk()).connection
    door = Door(PROVIDERS[f"{cloud}-sms"](Setup(secret=KEY.secret.encode())))
    async with serving("127.0.0.1", 0, door) as base:
        telephone = Telephone(vendor(cloud, base), {"zh": Templates(TEMPLATE)}, SECRET)
        channels: Mapping[str, Channel] = {"sms": telephone}
        with setting(watch, ("sms", f"+86{NUMBER}")):
            await asyncio.to_thread(red, watch)
            await decided(watch)
            pager = Pager(channels, now=watch.clock)
            await pager.cycle(connection)
            await pager.finish()
            (message,) = door.taken
            assert "sent" in states(watch)

            await ReceiptDesk(channels, watch.clock).cycle(connection)
            assert "delivered" in states(watch)

            # What the doctor reads ends in what to answer.
            said = message.text.partition(" ")[2]
            assert message.text.startswith("#") and len(message.link.rpartition("/")[2]) == 12
            pushed = {
                "aliyun": [{"phone_number": NUMBER, "content": said, "sequence_id": 1}],
                "tencent": {"nationcode": "86", "mobile": NUMBER, "text": said, "time": 1},
            }
            answers = PUSHES[cloud].read(pushed[cloud])
            assert answers is not None
            heard = await take_by_reply(
                connection, now=watch.now, secret=SECRET, incoming=answers[0]
            )
            assert heard is Heard.TAKEN
            assert watch.clinic.rows("SELECT state, answered_by FROM episode") == [
                ("answered", "wang")
            ]
            await decided(watch)
            assert not await pager.cycle(connection)
        await telephone.close()


@story
async def test_aliyun(watch: Watch, desk: Desks) -> None:
    await a_night("aliyun", watch, desk)


@story
async def test_tencent(watch: Watch, desk: Desks) -> None:
    await a_night("tencent", watch, desk)
