"""Old pages wait for a person, and receipts say what arrived."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from fix_watch import Watch
from pager_parts import Desks, decided, episodes, red, setting, states, story
from phones import Phone, delivered

from yikao_alerts.answer import acknowledge, un_acknowledge
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Outcome, Retryable
from yikao_alerts.channels.receipt import Handed, Receipt
from yikao_alerts.outbox.held import HOLD_AFTER, discard, held_pages, release
from yikao_alerts.outbox.receipts import ASK_EVERY_S, ReceiptDesk
from yikao_ingest.cli import main
from yikao_ingest.settings import DATABASE_URL


@story
async def test_what_is_an_hour_old_at_the_start_waits_for_a_person_who_is_told(
    watch: Watch, desk: Desks
) -> None:
    numbers = episodes(watch, 3)
    watch.now += HOLD_AFTER
    one = await desk()
    assert await one.sends() == 1
    assert sorted(states(watch)) == ["held", "held", "held", "sent"]
    (notice,) = one.phone.rung
    assert (notice.address, notice.episode_id, notice.link) == ("http://127.0.0.1:9/li", 0, "")
    assert "3 pages" in notice.body
    held = await held_pages(one.connection)
    assert sorted(page.episode_id or 0 for page in held) == numbers
    # Nothing goes out by itself, at a second start either.
    assert await (await desk()).sends() == 0


@story
async def test_what_somebody_tries_all_the_time_is_not_held_by_another_start(
    watch: Watch, desk: Desks
) -> None:
    episodes(watch, 1)
    one = await desk(Phone(lambda _: Retryable("busy", 60.0)))
    for _ in range(70):
        await one.sends()
        watch.now += timedelta(minutes=1)
    assert await (await desk()).sends() == 1
    assert states(watch) == ["sent"]


@story
async def test_a_released_page_goes_out_if_it_is_still_open(watch: Watch, desk: Desks) -> None:
    episodes(watch, 3)
    watch.now += 2 * HOLD_AFTER
    one = await desk()
    await one.sends()
    first, second, third = await held_pages(one.connection)
    watch.clinic.rows(
        "UPDATE episode SET state = 'resolved' WHERE episode_id = %s", second.episode_id
    )
    gone = await release(one.connection, [first, second], "op", watch.now)
    assert gone == [first]
    assert await discard(one.connection, [third], "op", watch.now) == 1
    assert await one.sends() == 1
    assert one.phone.rung[-1].episode_id == first.episode_id
    assert await (await desk()).sends() == 0
    assert sorted(states(watch)) == ["cancelled", "cancelled", "sent", "sent"]
    assert watch.clinic.one("SELECT DISTINCT released_by FROM page WHERE episode_id > 0") == "op"


@story
async def test_an_answer_ends_what_is_held_too(watch: Watch, desk: Desks) -> None:
    """Or it could be let go when the episode is called for again, with what is long over."""
    (number,) = episodes(watch, 1)
    watch.now += 2 * HOLD_AFTER
    one = await desk()
    await one.sends()
    who: dict[str, Any] = {"now": watch.now, "episode_id": number, "doctor_id": "wang"}
    await acknowledge(one.connection, disposition=None, **who)
    assert await held_pages(one.connection) == []
    await un_acknowledge(one.connection, **who)
    assert await held_pages(one.connection) == []


@story
async def test_a_page_whose_link_is_dead_is_not_released(watch: Watch, desk: Desks) -> None:
    episodes(watch, 1)
    watch.now += timedelta(days=1)
    one = await desk()
    await one.sends()
    held = await held_pages(one.connection)
    assert await release(one.connection, held, "op", watch.now) == []
    assert await one.sends() == 0


@story
async def test_an_open_episode_is_called_for_anew_while_its_old_page_is_held(
    watch: Watch, desk: Desks
) -> None:
    red(watch)
    await decided(watch)
    watch.now += 2 * HOLD_AFTER
    one = await desk()
    await one.sends()
    assert "held" in states(watch)
    await decided(watch)
    watch.now += timedelta(minutes=1)
    assert await one.sends()
    assert any(page.episode_id == watch.episode_id for page in one.phone.rung)


def test_the_command_shows_lets_go_and_discards(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATABASE_URL, watch.clinic.dsn)
    episodes(watch, 2)
    watch.clinic.rows("UPDATE page SET state = 'held', created_at = clock_timestamp()")
    first, second = (str(row[0]) for row in watch.clinic.rows("SELECT page_id FROM page"))

    def yikao(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["pages", *words])
        return int(str(ended.value.code)), "".join(capsys.readouterr())

    code, said = yikao("held")
    assert (code, first in said, second in said, "red" in said) == (0, True, True, True)
    assert yikao("release")[0] == 1
    assert yikao("release", first, "--by", "op") == (0, "1 released  已放行 1 条\n")
    code, said = yikao("release", first)
    assert (code, first in said) == (1, True)
    assert yikao("discard", "--all") == (0, "1 discarded  已取消 1 条\n")
    assert "no page is held" in yikao("held")[1]
    assert sorted(states(watch)) == ["cancelled", "due"]


class Carrier(Phone):
    """A telephone company: it takes every message, and tells later which have arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, Receipt] = {}
        self.asked: list[str] = []

    def knows(self, page: OutgoingPage, *, delivered: bool) -> None:
        number = f"provider-{page.page_id}"
        self.known[number] = Receipt(number, delivered, "UNKNOWN")

    async def receipts(self, handed: Sequence[Handed]) -> Sequence[Receipt]:
        self.asked += [each.provider_id for each in handed]
        return [self.known[each.provider_id] for each in handed if each.provider_id in self.known]


@story
async def test_receipts_tell_what_arrived_and_what_needs_another_way(
    watch: Watch, desk: Desks
) -> None:
    def arrives(page: OutgoingPage) -> Outcome:
        return delivered(page)

    with setting(watch, ("sms", "+8613900000001"), ("webhook", "http://two")):
        carrier = Carrier()
        carrier.outcome = arrives
        one = await desk(carrier, "sms", "webhook")
        asking = ReceiptDesk({"sms": carrier}, watch.clock)
        assert asking.needed
        for begin in (0, 1):
            episodes(watch, 1, channel="sms", address="+8613900000001", begin=begin)
            await one.sends()
            watch.now += timedelta(minutes=1)
        arrived, lost = carrier.rung
        await asking.cycle(one.connection)
        assert states(watch) == ["sent", "sent"]
        carrier.knows(arrived, delivered=True)
        carrier.knows(lost, delivered=False)
        for _ in range(2):
            watch.now += timedelta(seconds=ASK_EVERY_S)
            await asking.cycle(one.connection)
        assert sorted(states(watch)) == ["delivered", "due", "failed"]
        assert await one.sends() == 1
        assert carrier.rung[-1].address == "http://two"
        # What is known is not asked again, and nothing is asked between the times.
        asked = len(carrier.asked)
        await asking.cycle(one.connection)
        assert len(carrier.asked) == asked
        assert watch.clinic.one("SELECT count(*) FROM page WHERE delivered_at IS NOT NULL") == 1


def test_a_channel_without_receipts_is_not_asked() -> None:
    assert not ReceiptDesk({"webhook": Phone()}, lambda _: asyncio.sleep(0)).needed  # type: ignore[arg-type,return-value]
