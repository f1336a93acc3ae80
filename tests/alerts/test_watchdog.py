"""The watchdog's judgement: pages that stay away are an alarm, in time, and only while they do."""

from datetime import UTC, datetime, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.compose import LANGUAGES, load_texts
from yikao_alerts.watchdog import (
    AGAIN,
    AWAY,
    BEAT,
    RETRY,
    Pulse,
    Suspect,
    Trace,
    Verdict,
    suspect,
)

BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
EXTERNAL = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


def test_a_beat_each_minute() -> None:
    pulse = Pulse(BEGAN)
    assert pulse.beats(BEGAN)
    pulse = pulse.sent(BEGAN)
    assert not pulse.beats(BEGAN + BEAT - SECOND)
    assert pulse.beats(BEGAN + BEAT)


def test_two_missed_beats_are_told_once_and_again_and_their_return_once() -> None:
    pulse = Pulse(BEGAN).arrived(BEGAN)
    assert pulse.verdict(BEGAN + AWAY) is Verdict.NOTHING
    told_at = BEGAN + AWAY + SECOND
    assert pulse.verdict(told_at) is Verdict.AWAY
    pulse = pulse.told(Verdict.AWAY, told_at, accepted=True)
    assert pulse.verdict(told_at + AGAIN - SECOND) is Verdict.NOTHING
    assert pulse.verdict(told_at + AGAIN) is Verdict.AWAY
    back_at = told_at + AGAIN + SECOND
    pulse = pulse.arrived(back_at)
    assert pulse.verdict(back_at) is Verdict.BACK
    pulse = pulse.told(Verdict.BACK, back_at, accepted=True)
    assert pulse.verdict(back_at + SECOND) is Verdict.NOTHING


def test_an_alarm_that_nobody_took_is_sent_again_soon() -> None:
    at = BEGAN + AWAY + SECOND
    pulse = Pulse(BEGAN).told(Verdict.AWAY, at, accepted=False)
    assert pulse.verdict(at + RETRY - SECOND) is Verdict.NOTHING
    assert pulse.verdict(at + RETRY) is Verdict.AWAY


def test_nobody_who_never_arrived_is_well() -> None:
    assert Pulse(BEGAN).verdict(BEGAN + AWAY + SECOND) is Verdict.AWAY


@given(st.lists(st.floats(1, 400), max_size=30), st.floats(0, 2000))
def test_silence_is_always_told_in_time(gaps_s: list[float], silence_s: float) -> None:
    """Whatever came before: looked at each second, an absence is told within five minutes."""
    pulse, now = Pulse(BEGAN), BEGAN
    for gap_s in (*gaps_s, silence_s):
        until = now + timedelta(seconds=gap_s)
        while now < until:
            now = min(until, now + SECOND)
            if (verdict := pulse.verdict(now)) is not Verdict.NOTHING:
                pulse = pulse.told(verdict, now, accepted=True)
            away = now - pulse.heard_at
            assert away <= AWAY or pulse.said_at is not None
            assert away > AWAY or pulse.said_at is None
        pulse = pulse.arrived(now) if gap_s is not silence_s else pulse
    assert AWAY + SECOND < EXTERNAL


def test_the_first_part_behind_which_nothing_is_seen() -> None:
    found = {
        (broker, fields): suspect(broker=broker, trace=Trace(*fields))
        for broker in (True, False)
        for fields in product((True, False), repeat=3)
    }
    assert {found[False, fields] for fields in product((True, False), repeat=3)} == {Suspect.BROKER}
    assert found[True, (False, False, False)] is Suspect.INGEST
    assert found[True, (True, False, False)] is Suspect.EVALUATOR
    assert found[True, (True, True, False)] is Suspect.RULES
    assert found[True, (True, True, True)] is Suspect.PAGER
    assert suspect(broker=True, trace=None) is Suspect.DATABASE
    assert suspect(broker=False, trace=None) is Suspect.DATABASE


def test_each_suspect_has_its_words() -> None:
    for language in LANGUAGES:
        parts = {key for key in load_texts(language)["watch"] if key.startswith("part_")}
        assert parts == {f"part_{each}" for each in Suspect}
