"""Text messages and calls over the wire: templates, codes to answer with, and receipts."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from benches import BODY, LINK, line
from telephones import MOBILE, REPLY_SECRET, SMS, TELEPHONES

from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent, Retryable
from yikao_alerts.channels.receipt import Handed, Receipt, Receipts
from yikao_alerts.channels.telephone import Telephone
from yikao_alerts.channels.template import Template, Templates, fill, unknown_fields
from yikao_alerts.reply import reply_code

PAGE = OutgoingPage(UUID(int=1), 7, MOBILE, "zh", BODY, LINK, 1)
WITH_RECEIPTS = [name for name in TELEPHONES if name != "tencent-voice"]


def test_a_template_is_filled_in_its_order() -> None:
    template = Template("1", {"b": "#{episode}", "a": "{short}", "c": "1 {code} {nonsense"})
    assert fill(template, PAGE, "A1B2") == {"b": "#7", "a": "token", "c": "1 A1B2 {nonsense"}
    assert list(fill(template, PAGE, "A1B2")) == ["b", "a", "c"]
    assert unknown_fields("{text}{name} {value}") == ["name", "value"]


def test_a_notice_has_a_template_of_its_own() -> None:
    page, notice = Template("1", {}), Template("2", {})
    assert Templates(page, notice).of(replace(PAGE, link="")) == notice
    assert Templates(page).of(replace(PAGE, link="")) is None


@pytest.mark.parametrize("name", ["aliyun-sms", "tencent-sms"])
def test_the_message_has_the_code_that_is_good_on_this_telephone(name: str) -> None:
    template = Template(SMS.number, SMS.parameters | {"text": "1 {code}"})

    async def story() -> str:
        async with line(name) as it:
            assert isinstance(it.channel, Telephone)
            it.channel = replace(it.channel, templates={"zh": Templates(template)})
            assert isinstance(await it.send(), Delivered)
            (message,) = it.door.taken
            return message.text

    assert asyncio.run(story()) == f"1 {reply_code(REPLY_SECRET, UUID(int=1), MOBILE)}"


@pytest.mark.parametrize("name", TELEPHONES)
def test_without_a_template_the_next_contact_is_used(name: str) -> None:
    async def story() -> Outcome:
        async with line(name) as it:
            return await it.channel.send(replace(PAGE, language="en"))

    assert isinstance(asyncio.run(story()), Permanent)


@pytest.mark.parametrize("name", TELEPHONES)
def test_another_key_is_refused_for_good(name: str) -> None:
    async def story() -> tuple[Outcome, int]:
        async with line(name) as it:
            assert isinstance(it.channel, Telephone)
            vendor = it.channel.vendor
            key = replace(vendor.key, secret="a guess")  # type: ignore[attr-defined]
            changed = replace(vendor, key=key)  # type: ignore[type-var]
            outcome = await replace(it.channel, vendor=changed).send(PAGE)
            return outcome, len(it.door.taken)

    outcome, taken = asyncio.run(story())
    assert isinstance(outcome, Permanent) and not taken


@pytest.mark.parametrize("name", TELEPHONES)
def test_another_clock_is_no_reason_to_give_up(name: str) -> None:
    async def story() -> Outcome:
        async with line(name) as it:
            assert isinstance(it.channel, Telephone)
            late = replace(it.channel, now=lambda: datetime.now(UTC) - timedelta(hours=1))
            return await late.send(PAGE)

    assert isinstance(asyncio.run(story()), Retryable)


async def receipts_of(name: str, *, others: int = 0) -> tuple[str, Sequence[Receipt]]:
    async with line(name) as it:
        sent = await it.send()
        assert isinstance(sent, Delivered) and isinstance(it.channel, Receipts)
        now = datetime.now(UTC)
        asked = [Handed(f"unknown-{each}", MOBILE, now) for each in range(others)]
        found = await it.channel.receipts([Handed(sent.provider_id, MOBILE, now), *asked])
        return sent.provider_id, found


@pytest.mark.parametrize("name", WITH_RECEIPTS)
def test_a_receipt_tells_that_it_arrived(name: str) -> None:
    provider_id, found = asyncio.run(receipts_of(name, others=3))
    (receipt,) = found
    assert (receipt.provider_id, receipt.delivered) == (provider_id, True)


def test_a_cloud_without_receipts_has_none() -> None:
    assert asyncio.run(receipts_of("tencent-voice"))[1] == []


@pytest.mark.parametrize("name", WITH_RECEIPTS)
def test_a_cloud_that_is_away_has_none_yet(name: str) -> None:
    async def story() -> Sequence[Receipt]:
        async with line(name, base="http://127.0.0.1:9") as it:
            assert isinstance(it.channel, Receipts)
            return await it.channel.receipts([Handed("1^0", MOBILE, datetime.now(UTC))])

    assert asyncio.run(story()) == []
