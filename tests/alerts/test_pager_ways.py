"""The ways a page takes: with others in one message, to another contact, or once more."""

from datetime import timedelta
from uuid import UUID

import pytest
from fix_watch import Watch
from pager_parts import Desks, decided, episodes, red, setting, states, story
from phones import Phone, delivered

from yikao_alerts.answer import Disposition, acknowledge
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Outcome, Permanent, Retryable
from yikao_alerts.outbox.bundles import WINDOW
from yikao_alerts.outbox.claim import NOT_AGAIN, SQL
from yikao_alerts.pager import FAILOVER_S, RETRY_MAX_S
from yikao_alerts.working import connect

SECOND = timedelta(seconds=1)


@story
async def test_pages_of_a_minute_are_one_message_after_the_first(watch: Watch, desk: Desks) -> None:
    one = await desk()
    (first,) = episodes(watch, 1)
    assert await one.sends() == 1
    assert (one.phone.rung[0].body, one.phone.rung[0].episode_id) == (f"body of {first}", first)
    began = watch.now
    for later in (1, 2, 3):
        watch.now += 10 * SECOND
        episodes(watch, 1, begin=later)
        assert await one.sends() == 0
    watch.now = began + WINDOW - SECOND
    assert await one.sends() == 0
    watch.now = began + WINDOW
    assert await one.sends() == 1
    bundle = one.phone.rung[-1]
    assert all(f"#{first + later}" in bundle.body for later in (1, 2, 3)), bundle.body
    assert "3" in bundle.body
    assert bundle.link.startswith("link of ")
    named = watch.clinic.rows(
        "SELECT count(*), count(DISTINCT provider_id) FROM page WHERE message_id = %s",
        bundle.page_id,
    )
    assert named == [(3, 1)]
    assert states(watch) == ["sent"] * 4
    assert await one.sends() == 0


@story
async def test_a_message_of_several_is_tried_again_as_it_was_less_what_was_answered(
    watch: Watch, desk: Desks
) -> None:
    numbers = episodes(watch, 3)
    one = await desk(Phone(lambda _: Retryable("busy")))
    assert await one.sends() == 1
    episodes(watch, 1, begin=3)
    await answered(watch, numbers[0])
    watch.now += 2 * SECOND
    one.phone.outcome = delivered
    assert await one.sends() == 1
    before, after = one.phone.rung
    assert before.page_id == after.page_id
    assert f"#{numbers[0]}" in before.body
    assert f"#{numbers[0]}" not in after.body
    assert sorted(states(watch)) == ["cancelled", "due", "sent", "sent"]


@story
async def test_two_pagers_do_not_make_two_messages_for_one_doctor(
    watch: Watch, desk: Desks
) -> None:
    phone = Phone()
    one, other = await desk(phone), await desk(phone)
    episodes(watch, 5)
    async with one.connection.transaction():
        await one.connection.execute("SELECT page_id FROM page LIMIT 1 FOR UPDATE")
        assert await other.sends() == 1
    assert await one.sends() + await other.sends() == 0
    watch.now += WINDOW
    assert await one.sends() + await other.sends() == 1
    assert states(watch) == ["sent"] * 5


async def answered(watch: Watch, episode: int) -> None:
    async with await connect(watch.clinic.dsn) as connection:
        await acknowledge(
            connection,
            now=watch.now,
            episode_id=episode,
            doctor_id="wang",
            disposition=Disposition.CALLED,
        )


@pytest.mark.parametrize("spare", [("smtp", "w@x.test"), None])
def test_what_an_address_cannot_take_goes_by_another_kind_at_once_or_waits(
    watch: Watch, spare: tuple[str, str] | None
) -> None:
    contacts = [("voice", "+8613900000001"), ("voice", "+8613900000002")]
    calls = 3
    """As many as a telephone takes in a quarter of an hour."""

    @story
    async def told(watch: Watch, desk: Desks) -> None:
        one = await desk(None, "voice", "smtp")
        began = watch.now
        for call in range(calls + 1):
            episodes(watch, 1, channel="voice", address=contacts[0][1], begin=call)
            assert await one.sends() == (1 if call < calls or spare else 0)
            watch.now += WINDOW
        last = one.phone.rung[-1]
        if spare:
            assert last.address == spare[1]
            assert sorted(states(watch)) == ["failed", *["sent"] * 4]
        else:
            watch.now = began + timedelta(minutes=15)
            assert await one.sends() == 1
            assert one.phone.rung[-1].address == contacts[0][1]
            assert states(watch) == ["sent"] * 4
        ((outcome,),) = watch.clinic.rows(
            "SELECT DISTINCT outcome FROM page_attempt WHERE outcome <> 'delivered'"
        )
        assert outcome == "over_budget"

    with setting(watch, *contacts, *([spare] if spare else [])):
        told(watch)


@story
async def test_where_a_repetition_is_a_second_message_it_says_so_and_is_the_last(
    watch: Watch, desk: Desks
) -> None:
    with setting(watch, ("sms", "+8613900000001"), ("webhook", "http://two")):
        episodes(watch, 1, channel="sms", address="+8613900000001")

        def cut(page: OutgoingPage) -> Outcome:
            return delivered(page) if page.address == "http://two" else Ambiguous("cut")

        one = await desk(Phone(cut), "sms", "webhook")
        for _ in range(5):
            await one.sends()
            watch.now += RETRY_MAX_S * SECOND
        bodies = [page.body for page in one.phone.rung]
        assert ["重发" in body for body in bodies] == [False, True, False]
        assert [page.address[-3:] for page in one.phone.rung] == ["001", "001", "two"]
        assert sorted(states(watch)) == ["failed", "sent"]
        assert watch.clinic.one("SELECT detail FROM page_attempt WHERE outcome = 'permanent'") == (
            NOT_AGAIN
        )


@story
async def test_what_a_provider_did_not_take_may_be_sent_as_often_as_needed(
    watch: Watch, desk: Desks
) -> None:
    episodes(watch, 1, channel="sms", address="+8613900000001")
    one = await desk(Phone(lambda _: Retryable("busy", 1.0)), "sms")
    for _ in range(6):
        assert await one.sends() == 1
        watch.now += RETRY_MAX_S * SECOND
    one.phone.outcome = delivered
    assert await one.sends() == 1
    assert not any("重发" in page.body for page in one.phone.rung)
    assert states(watch) == ["sent"]


@story
async def test_a_dead_provider_holds_one_slot_and_its_pages_go_another_way(
    watch: Watch, desk: Desks
) -> None:
    with setting(watch, ("webhook", "http://dead/x"), ("webhook", "http://two")):
        episodes(watch, 5, address="http://dead/x")
        watch.clinic.rows("UPDATE page SET address = address || episode_id")

        def dead(page: OutgoingPage) -> Outcome:
            return Ambiguous("hang") if "dead" in page.address else delivered(page)

        one = await desk(Phone(dead))
        assert await one.sends() == 5
        began = watch.now
        watch.now += RETRY_MAX_S * SECOND
        one.phone.rung.clear()
        one.phone.hold()
        await one.pager.cycle(one.connection)
        await one.pager.cycle(one.connection)
        await one.phone.rings(2)
        assert sum("dead" in page.address for page in one.phone.rung) == 1
        one.phone.release()
        await one.pager.finish()
        told = {p.address for p in one.phone.rung if "dead" not in p.address}
        assert told == {"http://two"}
        assert watch.now - began < FAILOVER_S * SECOND
        # Taken once, the provider gets them all.
        one.phone.outcome = delivered
        watch.now += RETRY_MAX_S * SECOND
        while await one.sends():
            watch.now += RETRY_MAX_S * SECOND
        assert set(states(watch)) == {"sent"}


@story
async def test_a_providers_text_that_is_no_text_stops_nothing(watch: Watch, desk: Desks) -> None:
    episodes(watch, 1)
    one = await desk(Phone(lambda _: Delivered("\ud800\0")))
    assert await one.sends() == 1
    assert states(watch) == ["sent"]


@story
async def test_facts_that_cannot_be_worded_leave_the_page_its_own_words(
    watch: Watch, desk: Desks
) -> None:
    episodes(watch, 2)
    watch.clinic.rows("UPDATE page SET facts = '{\"family\": 7}'")
    one = await desk()
    assert await one.sends() == 1
    assert one.phone.rung[0].body.startswith("body of ")
    assert states(watch) == ["sent"] * 2


@story
async def test_a_result_that_could_not_be_stored_is_stored_on_the_next_connection(
    watch: Watch, desk: Desks
) -> None:
    episodes(watch, 1)
    one, other = await desk(), await desk()
    one.phone.hold()
    await one.pager.cycle(one.connection)
    await one.phone.rings(1)
    await one.connection.close()
    one.phone.release()
    await one.pager.finish()
    assert states(watch) == ["due"]
    await one.pager.cycle(other.connection)
    assert states(watch) == ["sent"]
    assert len(one.phone.rung) == 1


@story
async def test_an_opened_link_is_kept_for_all_that_the_message_named(
    watch: Watch, desk: Desks
) -> None:
    episodes(watch, 3)
    one = await desk()
    await one.sends()
    page: UUID = watch.clinic.one("SELECT page_id FROM page LIMIT 1")
    for _ in range(2):
        values = {"page_id": page, "now": watch.now}
        await one.connection.execute(SQL["pages_read"], values)
    assert watch.clinic.rows("SELECT DISTINCT read_at, state FROM page") == [(watch.now, "sent")]


@story
async def test_a_refused_page_of_a_family_calls_nobody_else(watch: Watch, desk: Desks) -> None:
    red(watch)
    await decided(watch)
    watch.clinic.rows("UPDATE page SET doctor_id = NULL")
    one = await desk(Phone(lambda _: Permanent("gone")))
    assert await one.sends() == 1
    assert states(watch) == ["failed"]
    assert not watch.clinic.rows("SELECT FROM episode_event WHERE event = 'unreachable'")
