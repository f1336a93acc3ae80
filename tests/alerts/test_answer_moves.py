"""What a doctor may do with an episode beside answering it: each move once, and all that follows.

Told in the database, with the real evaluator; the moves themselves are walked in
`test_episodes_machine.py`.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from fix_watch import Watch

from yikao_alerts import answer
from yikao_alerts.answer import (
    AlreadyAnswered,
    Answer,
    Answered,
    Bar,
    Disposition,
    NotAllowed,
    NotOpen,
)
from yikao_alerts.moves import MAY, Relation
from yikao_alerts.rules import load_rules

OWN, DUTY = "wang", "li"
SUPPRESS = load_rules().suppress
Move = Callable[..., Awaitable[Answer]]


def makes(watch: Watch, move: Move, doctor: str = OWN, **more: Any) -> Answer:
    """Let a doctor make a move with the newest episode, and the evaluator look after it."""
    done: Answer = watch.with_connection(
        lambda conn: move(
            conn, now=watch.now, episode_id=watch.episode_id, doctor_id=doctor, **more
        )
    )
    watch.decides()
    return done


def takes(watch: Watch, doctor: str = OWN) -> Answer:
    return makes(watch, answer.acknowledge, doctor, disposition=None)


def stands(watch: Watch) -> tuple[str, int, str | None, str | None]:
    """Return state, round, who holds it, what was done."""
    (row,) = watch.clinic.rows(
        "SELECT state, round, answered_by, disposition FROM episode"
        " ORDER BY episode_id DESC LIMIT 1"
    )
    return tuple(row)


def story(watch: Watch) -> list[str]:
    """Return what happened, without further readings of the same."""
    rows = watch.clinic.rows(
        "SELECT event FROM episode_event WHERE event <> 'joined' ORDER BY event_id"
    )
    return [event for (event,) in rows]


def is_measured(watch: Watch, minute: int) -> None:
    """Let the re-check have its round: silence would be an alarm of its own."""
    watch.until(minute)
    watch.measures(165, 95)
    watch.decides()


@pytest.fixture
def red(watch: Watch) -> Watch:
    """A crisis that has been paged."""
    watch.measures(205, 112)
    watch.decides()
    return watch


@pytest.fixture
def amber(watch: Watch) -> Watch:
    """Something for today."""
    watch.pricks(3.5)
    watch.decides()
    assert watch.clinic.one("SELECT severity FROM episode") == "today"
    return watch


def test_taken_without_a_word_it_is_called_for_again_after_half_an_hour(red: Watch) -> None:
    assert takes(red) == Answered(red.now)
    assert stands(red) == ("answered", 1, OWN, None)
    paged = red.pages()
    is_measured(red, 20)
    red.until(29)
    red.decides()
    assert red.pages() == paged
    red.until(30)
    red.decides()
    assert stands(red)[:2] == ("open", 2)
    assert [page[:3] for page in red.pages()[len(paged) :]] == [(30, OWN, 0)]
    assert story(red)[-1] == "reopened"


def test_who_took_it_says_what_was_done_in_time(red: Watch) -> None:
    takes(red)
    taken_at = red.now
    red.until(10)
    assert makes(red, answer.acknowledge, disposition=Disposition.CALLED) == Answered(taken_at)
    assert stands(red) == ("watching", 1, OWN, "called")
    assert takes(red, DUTY) == AlreadyAnswered("王医生", taken_at)
    red.until(29)
    red.decides()
    assert story(red) == ["found", "taken", "acknowledged", "watched"]


def test_a_second_taking_is_told_who_has_it(red: Watch) -> None:
    takes(red)
    red.until(3)
    assert takes(red, DUTY) == AlreadyAnswered("王医生", red.now - timedelta(minutes=3))
    assert takes(red) == Answered(red.now - timedelta(minutes=3))
    assert story(red) == ["found", "taken"]


def test_who_it_is_handed_to_is_called_at_once(red: Watch) -> None:
    takes(red)
    red.until(5)
    assert makes(red, answer.hand_over, to=DUTY) == Answered(red.now)
    assert stands(red) == ("open", 2, None, None)
    assert [(m, who) for m, who, _, _, state in red.pages() if state == "due"] == [(5, DUTY)]
    again = len(red.pages())
    assert makes(red, answer.hand_over, to=DUTY) == Answered(red.now)
    assert len(red.pages()) == again
    assert takes(red, DUTY) == Answered(red.now)
    assert red.clinic.one("SELECT handed_to FROM episode") is None
    assert story(red) == ["found", "taken", "handed_over", "taken"]


def test_handed_over_and_not_taken_it_comes_back_to_the_signed_doctor(red: Watch) -> None:
    makes(red, answer.hand_over, to=DUTY)
    is_measured(red, 20)
    red.until(30)
    red.decides()
    assert stands(red)[:2] == ("open", 3)
    assert red.clinic.one("SELECT handed_to FROM episode") is None
    assert [page[1:3] for page in red.pages() if page[0] == 30] == [(OWN, 0)]
    assert story(red) == ["found", "handed_over", "reopened"]


@pytest.mark.parametrize("to", ["nobody", OWN])
def test_it_is_handed_over_to_a_colleague_only(red: Watch, to: str) -> None:
    assert makes(red, answer.hand_over, to=to) == NotAllowed(Bar.NO_COLLEAGUE)
    assert story(red) == ["found"]


def test_an_answer_taken_back_calls_at_once(red: Watch) -> None:
    red.answers(OWN)
    red.decides()
    red.until(4)
    assert makes(red, answer.un_acknowledge) == Answered(red.now)
    assert stands(red) == ("open", 2, None, None)
    assert [minute for minute, *_, state in red.pages() if state == "due"] == [4]
    assert makes(red, answer.un_acknowledge) == Answered(red.now), "once is enough"
    assert story(red).count("reopened") == 1


def test_red_is_never_silenced(red: Watch) -> None:
    done = makes(
        red,
        answer.snooze,
        until=red.now + timedelta(hours=1),
        reason="why",
        suppress=SUPPRESS,
    )
    assert done == NotAllowed(Bar.RED)
    assert story(red) == ["found"]


def test_a_silence_holds_until_it_is_over_or_it_gets_worse(amber: Watch) -> None:
    until = amber.now + timedelta(hours=20)
    silence = {"until": until, "reason": "新药观察", "suppress": SUPPRESS}
    assert makes(amber, answer.snooze, **silence) == Answered(amber.now)
    assert makes(amber, answer.snooze, **silence) == Answered(amber.now)
    assert story(amber).count("snoozed") == 1
    assert stands(amber) == ("answered", 1, OWN, "snoozed")
    assert amber.clinic.one("SELECT reopens_at FROM episode") == until
    assert amber.clinic.rows(
        "SELECT actor, detail ->> 'reason' FROM episode_event WHERE event = 'snoozed'"
    ) == [(OWN, "新药观察")]
    amber.until(5)
    amber.pricks(2.5)
    amber.decides()
    assert stands(amber)[0] == "open", "what is worse speaks at once"


@pytest.mark.parametrize(
    ("days", "reason", "bar"),
    [(15, "why", Bar.TOO_LONG), (0, "why", Bar.TOO_LONG), (1, "  ", Bar.NO_REASON)],
)
def test_a_silence_has_an_end_and_a_reason(amber: Watch, days: int, reason: str, bar: Bar) -> None:
    until = amber.now + timedelta(days=days)
    silence = {"until": until, "reason": reason, "suppress": SUPPRESS}
    assert makes(amber, answer.snooze, **silence) == NotAllowed(bar)


def test_a_stranger_may_nothing(red: Watch) -> None:
    for move, more in (
        (answer.acknowledge, {"disposition": None}),
        (answer.hand_over, {"to": DUTY}),
        (answer.un_acknowledge, {}),
        (answer.close, {"disposition": Disposition.CALLED}),
    ):
        assert makes(red, move, "stranger", **more) == NotAllowed(Bar.ROLE)
    assert story(red) == ["found"]


def test_there_is_nothing_to_do_with_what_is_over(red: Watch) -> None:
    red.answers(OWN)
    red.closes(OWN)
    for move, more in (
        (answer.acknowledge, {"disposition": None}),
        (answer.hand_over, {"to": DUTY}),
        (answer.un_acknowledge, {}),
        (answer.close, {"disposition": Disposition.CALLED}),
    ):
        assert makes(red, move, **more) == NotOpen("resolved")


def test_the_table_of_who_may_what() -> None:
    for event, relations in MAY.items():
        assert Relation.OWN in relations, event
        assert Relation.OTHER not in relations, event
