"""What goes out now, with what, and what waits: bundles, budgets and breakers, all of them pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.channels.kinds import BUDGETS
from yikao_alerts.channels.outcome import Ambiguous, Delivered, Permanent, Retryable
from yikao_alerts.outbox.breaker import FAILURES, Breakers
from yikao_alerts.outbox.budgets import LOOK_BACK, Sent, free_at
from yikao_alerts.outbox.bundles import (
    NAMESPACE,
    WINDOW,
    Due,
    Message,
    OverBudget,
    Plan,
    Wait,
    message_id,
    plan,
)

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def due(
    name: object, doctor: str | None = "wang", *, red: bool = True, channel: str = "webhook"
) -> Due:
    return Due(uuid5(NAMESPACE, str(name)), doctor, channel, f"to {doctor}", "zh", red)


def ids(made: Plan) -> set[UUID]:
    return {page.page_id for page in made.pages}


def only(*pages: Due, sent: Sequence[Sent] = (), now: datetime = NOW) -> Plan:
    """Return the only plan for pages of one doctor."""
    (made,) = plan(pages, {(pages[0].channel, pages[0].address): sent}, now)
    return made


def test_the_first_page_goes_at_once_and_keeps_its_own_id() -> None:
    first = due(1)
    assert only(first) == Message(first.page_id, (first,))


def test_what_is_due_together_is_one_message_in_whatever_order() -> None:
    one, two, three = due(1), due(2), due(3, red=False)
    together = only(one, two, three)
    assert isinstance(together, Message)
    assert ids(together) == ids(Message(NAMESPACE, (one, two, three)))
    assert message_id((two, three, one)) == together.message_id


def test_what_comes_within_the_window_waits_until_its_end() -> None:
    sent = [Sent(NOW - 20 * SECOND, True, "wang")]
    assert only(due(2), sent=sent) == Wait((due(2),), NOW + 40 * SECOND)
    assert isinstance(only(due(2), sent=sent, now=NOW + 40 * SECOND), Message)


def test_something_for_today_holds_up_no_red_one() -> None:
    sent = [Sent(NOW - SECOND, False, "wang")]
    assert isinstance(only(due(1), sent=sent), Message)
    assert isinstance(only(due(1, red=False), sent=sent), Wait)
    # A red one takes along what waits.
    assert isinstance(only(due(1, red=False), due(2), sent=sent), Message)


def test_a_message_to_one_doctor_holds_up_no_other_at_the_same_telephone() -> None:
    wang, li = due(1, "wang"), due(1, "li")
    at_desk = Due(li.page_id, "li", wang.channel, wang.address, "zh", red=True)
    made = list(plan([wang, at_desk], {}, NOW))
    assert [type(each) for each in made] == [Message, Message]


def test_a_notice_to_the_family_stands_alone() -> None:
    made = list(plan([due(1, None), due(2, None)], {}, NOW))
    assert [len(each.pages) for each in made] == [1, 1]


def test_an_address_that_has_had_its_share_takes_no_more() -> None:
    times = [NOW - timedelta(minutes=m) for m in (2, 5, 8)]
    sent = [Sent(at, True, "wang") for at in times]
    call = due(9, channel="voice")
    assert only(call, sent=sent) == OverBudget((call,), NOW + timedelta(minutes=7))


@dataclass
class Story:
    """Pages that come one after another, and what goes out by the plan."""

    now: datetime = NOW
    waiting: list[tuple[datetime, Due]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    went: list[tuple[datetime, Message]] = field(default_factory=list)

    def looks(self) -> None:
        ripe = [page for at, page in self.waiting if at <= self.now]
        rest = [(at, page) for at, page in self.waiting if at > self.now]
        address = (ripe[0].channel, ripe[0].address) if ripe else ("", "")
        for made in plan(ripe, {address: self.sent}, self.now):
            match made:
                case Message():
                    red = any(page.red for page in made.pages)
                    self.sent.append(Sent(self.now, red, made.pages[0].doctor_id))
                    self.went.append((self.now, made))
                case Wait(pages, until) | OverBudget(pages, until):
                    assert until > self.now
                    rest += [(until, page) for page in pages]
        self.waiting = rest


arrivals = st.lists(st.tuples(st.integers(0, 90), st.booleans()), min_size=1, max_size=30)


@given(arrivals, st.sampled_from(["webhook", "wecom", "sms", "voice"]))
def test_every_page_goes_out_once_and_no_doctor_gets_two_messages_in_a_minute(
    pages: list[tuple[int, bool]], channel: str
) -> None:
    story, came = Story(), {}
    for number, (gap_s, red) in enumerate(pages):
        upto = story.now + gap_s * SECOND
        while story.waiting and min(at for at, _ in story.waiting) <= upto:
            story.now = max(story.now, min(at for at, _ in story.waiting))
            story.looks()
        story.now = upto
        page = due(number, red=red, channel=channel)
        came[page.page_id] = (story.now, page)
        story.waiting.append((story.now, page))
        story.looks()
    for _ in range(3 * len(pages)):
        if story.waiting:
            story.now = min(at for at, _ in story.waiting)
            story.looks()
    assert not story.waiting
    told = [page.page_id for _, message in story.went for page in message.pages]
    assert sorted(told) == sorted(came)
    reds = [at for at, message in story.went if any(page.red for page in message.pages)]
    assert all(b - a >= WINDOW for a, b in pairwise(reds))
    for at, message in story.went:
        for page in message.pages:
            if page.red and channel not in BUDGETS:
                assert at - came[page.page_id][0] <= WINDOW


@given(
    st.sampled_from(sorted(BUDGETS)),
    st.lists(st.tuples(st.integers(0, int(LOOK_BACK.total_seconds())), st.booleans()), max_size=60),
    st.booleans(),
)
def test_a_budget_frees_itself_and_never_stands_in_the_way_of_red(
    channel: str, before: list[tuple[int, bool]], red: bool
) -> None:
    sent = [Sent(NOW - ago_s * SECOND, was_red, "wang") for ago_s, was_red in before]
    free = free_at(channel, sent, red, NOW)
    assert NOW <= free <= NOW + LOOK_BACK
    assert free_at(channel, sent, red, free) == free
    only_red = [each for each in sent if each.red]
    assert free_at(channel, sent, True, NOW) == free_at(channel, only_red, True, NOW)
    assert free_at(channel, sent, True, NOW) <= free_at(channel, sent, False, NOW)
    # The window that frees it holds no more than the budget allows.
    for budget in BUDGETS[channel] if red else ():
        begin = free - timedelta(seconds=budget.window_s)
        assert sum(begin < each.at for each in only_red) < budget.count


def test_a_channel_without_a_budget_is_never_full() -> None:
    sent = [Sent(NOW, True, "wang")] * 5000
    assert free_at("webhook", sent, True, NOW) == NOW


FAULTS = (Retryable("503"), Ambiguous("reset"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_provider_that_fails_again_and_again_gets_one_page_at_a_time(
    fault: Retryable | Ambiguous,
) -> None:
    breakers = Breakers()
    for _ in range(FAILURES - 1):
        breakers.note("p", fault)
    assert not breakers.down
    assert breakers.most("p", 40) == 30
    breakers.note("p", fault)
    assert breakers.down == ["p"]
    assert (breakers.most("p", 40), breakers.most("q", 40)) == (1, 30)
    assert breakers.full(["p", "q"], 40) == ["p"]
    breakers.note("p", Delivered("1"))
    assert not breakers.down


@pytest.mark.parametrize("answer", [Delivered("1"), Permanent("no"), Retryable("429", 3.0)])
def test_who_answers_is_there(answer: Delivered | Permanent | Retryable) -> None:
    breakers = Breakers()
    for _ in range(3 * FAILURES):
        breakers.note("p", FAULTS[0])
        breakers.note("p", answer)
    assert not breakers.down
