"""The pager: each page goes out until it is taken, and none after the answer."""

import asyncio
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from fix_watch import Watch
from pager_parts import Desks, decided, many, red, setting, states, story
from phones import Phone, delivered

from yikao_alerts.answer import Answered, Disposition, acknowledge
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.escalation import load_policies
from yikao_alerts.outbox.breaker import SHARE
from yikao_alerts.pager import (
    DETAIL_MAX,
    FAILOVER_S,
    LEASE_S,
    RETRY_FIRST_S,
    RETRY_MAX_S,
    SLOTS,
    retry_delay_s,
)
from yikao_alerts.working import connect

OWN, DUTY = "wang", "li"
PAGES = 60
STEPS_OF_OWN = [step for step in load_policies()["page_now"].steps if step.who == "own_doctor"]
TWO_CONTACTS = (("webhook", "http://one"), ("webhook", "http://two"))


@story
async def test_a_page_is_delivered_and_kept(watch: Watch, desk: Desks) -> None:
    red(watch)
    await decided(watch)
    one = await desk()
    assert await one.sends() == 1
    assert states(watch) == ["sent"]
    (page,) = one.phone.rung
    assert (page.address, page.language, page.attempt) == ("http://127.0.0.1:9/wang", "zh", 1)
    assert watch.clinic.rows("SELECT sent_at, provider_id, lease_until FROM page") == [
        (watch.now, f"provider-{page.page_id}", None)
    ]
    assert watch.clinic.rows("SELECT outcome FROM page_attempt") == [("delivered",)]
    assert await one.sends() == 0


@story
async def test_two_pagers_claim_each_page_once(watch: Watch, desk: Desks) -> None:
    many(watch, PAGES)
    phone = Phone()
    desks = [await desk(phone) for _ in range(3)]
    while "due" in states(watch):
        await asyncio.gather(*(one.pager.cycle(one.connection) for one in desks))
        await asyncio.gather(*(one.pager.finish() for one in desks))
    numbers = [page.page_id for page in phone.rung]
    assert len(numbers) == len(set(numbers)) == PAGES


@story
async def test_no_more_than_the_slots_are_on_their_way_and_some_are_left_for_others(
    watch: Watch, desk: Desks
) -> None:
    many(watch, 2 * SLOTS)
    watch.clinic.rows(
        "UPDATE page SET address = replace(address, 'one', 'two') WHERE loop > %s", SLOTS
    )
    one = await desk()
    one.phone.hold()
    assert await one.pager.cycle(one.connection)
    await one.phone.rings(SLOTS)
    assert not await one.pager.cycle(one.connection)
    hosts = Counter(page.address.split("/")[2] for page in one.phone.rung)
    assert hosts == {"one": SLOTS * SHARE, "two": SLOTS - SLOTS * SHARE}
    one.phone.release()
    await one.pager.finish()
    assert one.pager.wake.is_set()
    assert await one.sends() == SLOTS


@story
async def test_a_page_on_its_way_is_left_to_whoever_has_it(watch: Watch, desk: Desks) -> None:
    many(watch, 1)
    one, other = await desk(), await desk()
    one.phone.hold()
    await one.pager.cycle(one.connection)
    await one.phone.rings(1)
    assert await other.sends() == 0
    one.phone.release()
    await one.pager.finish()
    assert states(watch) == ["sent"]


@story
async def test_the_lease_of_a_dead_pager_is_void_at_once(watch: Watch, desk: Desks) -> None:
    many(watch, 1)
    one, other = await desk(), await desk()
    one.phone.hold()
    await one.pager.cycle(one.connection)
    await one.phone.rings(1)
    await one.connection.close()
    while not await other.sends():
        # Until the server has noticed, too.
        pass
    assert states(watch) == ["sent"]
    assert [page.attempt for page in other.phone.rung] == [2]
    assert one.phone.rung[0].page_id == other.phone.rung[0].page_id
    one.phone.release()
    await one.pager.finish()


@story
async def test_a_pager_that_hangs_loses_its_lease_and_its_say(watch: Watch, desk: Desks) -> None:
    many(watch, 1)
    one, other = await desk(Phone(lambda _: Permanent("late"))), await desk()
    one.phone.hold()
    await one.pager.cycle(one.connection)
    await one.phone.rings(1)
    watch.now += timedelta(seconds=LEASE_S)
    other.phone.hold()
    await other.pager.cycle(other.connection)
    await other.phone.rings(1)
    one.phone.release()
    await one.pager.finish()
    assert states(watch) == ["due"]
    other.phone.release()
    await other.pager.finish()
    assert states(watch) == ["sent"]


def test_pauses_grow_up_to_a_bound_and_respect_the_provider() -> None:
    pauses = [retry_delay_s(attempt, None) for attempt in range(40)]
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (RETRY_FIRST_S, RETRY_MAX_S)
    assert retry_delay_s(1, 30.0) == 30.0
    assert retry_delay_s(39, 0.1) == RETRY_MAX_S


@pytest.mark.parametrize("outcome", [Retryable("busy"), Retryable("busy", 30.0), Ambiguous("cut")])
def test_what_was_not_taken_is_sent_again_after_a_pause(watch: Watch, outcome: Outcome) -> None:
    many(watch, 1)

    @story
    async def told(watch: Watch, desk: Desks) -> None:
        one = await desk(Phone(lambda _: outcome))
        asked_s = outcome.after_s if isinstance(outcome, Retryable) else None
        for attempt in (1, 2, 3):
            assert await one.sends() == 1
            pause = timedelta(seconds=retry_delay_s(attempt, asked_s))
            assert watch.clinic.one("SELECT due_at FROM page") == watch.now + pause
            assert await one.sends() == 0
            watch.now += pause
        one.phone.outcome = delivered
        assert await one.sends() == 1
        assert states(watch) == ["sent"]
        assert len({page.page_id for page in one.phone.rung}) == 1

    told(watch)
    assert watch.clinic.one("SELECT attempts FROM page") == 4


@story
async def test_refused_for_good_the_next_contact_is_tried_then_the_next_step(
    watch: Watch, desk: Desks
) -> None:
    with setting(watch, *TWO_CONTACTS):
        red(watch)
        await decided(watch)
        one = await desk(Phone(lambda _: Permanent("no such number")))
        assert await one.sends() == 1
        assert await one.sends() == 1
        assert [page.address for page in one.phone.rung] == ["http://one", "http://two"]
        assert states(watch) == ["failed", "failed"]
        ((event, detail),) = watch.clinic.rows(
            "SELECT event, detail FROM episode_event WHERE event = 'unreachable'"
        )
        assert (event, detail) == ("unreachable", {"step": 0, "doctor": OWN})
        # Ten minutes early: nobody waits for a doctor who cannot be reached.
        for _ in STEPS_OF_OWN:
            await decided(watch)
            await one.sends()
            await one.sends()
        await decided(watch)
        assert {page[:2] for page in watch.pages()} == {(2, OWN), (2, DUTY)}


@story
async def test_a_page_that_waits_for_long_goes_to_the_next_contact_too(
    watch: Watch, desk: Desks
) -> None:
    def busy(page: OutgoingPage) -> Outcome:
        return Retryable("busy", RETRY_MAX_S) if page.address == "http://one" else delivered(page)

    with setting(watch, *TWO_CONTACTS):
        red(watch)
        await decided(watch)
        one = await desk(Phone(busy))
        began = watch.now
        while watch.now < began + timedelta(seconds=FAILOVER_S):
            await one.sends()
            assert {page.address for page in one.phone.rung} == {"http://one"}
            watch.now += timedelta(seconds=RETRY_MAX_S)
        await one.sends()
        watch.now += timedelta(seconds=RETRY_MAX_S)
        await one.sends()
        second = [page for page in one.phone.rung if page.address == "http://two"]
        assert len(second) == 1
        assert sorted(states(watch)) == ["due", "sent"]


@story
async def test_after_the_answer_nothing_is_sent(watch: Watch, desk: Desks) -> None:
    red(watch)
    await decided(watch)
    await answer(watch)
    one = await desk()
    assert await one.sends() == 0
    assert states(watch) == ["cancelled"]


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (delivered, "sent"),
        (lambda _: Retryable("busy"), "cancelled"),
        (lambda _: Permanent("gone"), "cancelled"),
    ],
)
def test_what_was_on_its_way_at_the_answer_ends_there(
    watch: Watch, outcome: Callable[[OutgoingPage], Outcome], state: str
) -> None:
    @story
    async def told(watch: Watch, desk: Desks) -> None:
        with setting(watch, *TWO_CONTACTS):
            red(watch)
            await decided(watch)
            one = await desk(Phone(outcome))
            one.phone.hold()
            await one.pager.cycle(one.connection)
            await one.phone.rings(1)
            await answer(watch)
            one.phone.release()
            await one.pager.finish()
            assert states(watch) == [state]
            watch.now += timedelta(hours=1)
            assert await one.sends() == 0

    told(watch)


async def answer(watch: Watch) -> None:
    async with await connect(watch.clinic.dsn) as connection:
        answered = await acknowledge(
            connection,
            now=watch.now,
            episode_id=watch.episode_id,
            doctor_id=OWN,
            disposition=Disposition.CALLED,
        )
    assert answered == Answered(watch.now)


@story
async def test_an_answer_and_a_refusal_at_the_same_moment_leave_no_page_behind(
    watch: Watch, desk: Desks
) -> None:
    """The refusal makes a page for the next contact; the answer cancels it, or it is not made."""
    with setting(watch, *TWO_CONTACTS):
        for night in range(8):
            watch.until(night * 60)
            red_again(watch)
            await decided(watch)
            one = await desk(Phone(lambda _: Permanent("gone")))
            one.phone.hold()
            await one.pager.cycle(one.connection)
            await one.phone.rings(1)
            one.phone.release()
            await asyncio.gather(one.pager.finish(), answer(watch))
            assert "due" not in states(watch)
            watch.clinic.rows("UPDATE episode SET state = 'resolved'")


def red_again(watch: Watch) -> None:
    """Let an hour's two high readings arrive."""
    watch.measures(186, 112, ago_min=3)
    watch.measures(184, 110, ago_min=1)


@story
async def test_a_channel_that_breaks_its_contract_is_on_record(watch: Watch, desk: Desks) -> None:
    def broken(page: OutgoingPage) -> Outcome:
        raise RuntimeError(page.body)

    many(watch, 1)
    one = await desk(Phone(broken))
    await one.sends()
    assert watch.clinic.rows("SELECT outcome, detail FROM page_attempt") == [
        ("ambiguous", "the channel failed: RuntimeError")
    ]
    assert states(watch) == ["due"]


@story
async def test_a_providers_odd_name_for_a_page_does_not_send_it_again(
    watch: Watch, desk: Desks
) -> None:
    many(watch, 1)
    one = await desk(Phone(lambda _: Delivered("a\0b" + "x" * 70_000)))
    assert await one.sends() == 1
    assert states(watch) == ["sent"]
    assert len(watch.clinic.one("SELECT provider_id FROM page")) == DETAIL_MAX


@story
async def test_a_channel_that_nobody_set_up_is_refused(watch: Watch, desk: Desks) -> None:
    many(watch, 1)
    watch.clinic.rows("UPDATE page SET channel = 'smtp'")
    one = await desk()
    await one.sends()
    assert states(watch) == ["failed"]
    assert "smtp" in watch.clinic.one("SELECT detail FROM page_attempt")
