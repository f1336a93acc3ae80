"""A radio that hangs is noticed by its silence, and reset; a quiet home is left in peace."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from agent_scene import ANY, PACE, Watch, watching
from hypothesis import given
from hypothesis import strategies as st
from stage import Stage, address, eventually, on_air

from yikao_gateway.radio import bumble_adapter
from yikao_gateway.visits.air_watch import (
    HEARD_MIN,
    HELP_MAX_S,
    HELP_S,
    SILENCE_MIN_S,
    AirWatch,
    Remedy,
)
from yikao_sim.home import Outfit


def lively(every_s: float = 1.0) -> tuple[AirWatch, float]:
    """Return the watch of an air in which somebody was always heard, and the time now."""
    watch = AirWatch()
    for number in range(HEARD_MIN):
        watch.hear(number * every_s)
    return watch, (HEARD_MIN - 1) * every_s


def test_a_strange_silence_is_first_answered_gently_and_then_firmly() -> None:
    watch, now_s = lively()
    assert watch.look(now_s + SILENCE_MIN_S - 1) is Remedy.NONE
    now_s += SILENCE_MIN_S
    assert watch.look(now_s) is Remedy.RESCAN
    assert not watch.hears
    assert watch.look(now_s + HELP_S - 1) is Remedy.NONE
    assert watch.look(now_s + HELP_S) is Remedy.RESET


def test_resets_that_do_not_help_become_rare() -> None:
    watch, now_s = lively()
    resets = []
    for _ in range(200_000):
        now_s += 1
        if watch.look(now_s) is Remedy.RESET:
            resets.append(now_s)
    pauses = [after - before for before, after in pairwise(resets)]
    assert pauses[:4] == [2 * HELP_S, 4 * HELP_S, 8 * HELP_S, 16 * HELP_S]
    assert max(pauses) == HELP_MAX_S


def test_what_is_heard_again_ends_the_matter() -> None:
    watch, now_s = lively()
    assert watch.look(now_s + SILENCE_MIN_S) is Remedy.RESCAN
    watch.hear(now_s + SILENCE_MIN_S + 1)
    assert watch.hears
    assert watch.look(now_s + SILENCE_MIN_S + 2) is Remedy.NONE


def test_a_home_that_is_often_silent_is_left_in_peace() -> None:
    """A cuff once an hour: nine hours of silence are nothing strange there."""
    watch, now_s = lively(every_s=3600.0)
    assert watch.look(now_s + 9 * 3600) is Remedy.NONE


def test_nobody_ever_heard_is_no_reason() -> None:
    watch = AirWatch()
    assert watch.look(1e9) is Remedy.NONE


def test_a_visit_is_not_a_silence() -> None:
    watch, now_s = lively()
    watch.rest(now_s + 1800)
    assert watch.look(now_s + 1801) is Remedy.NONE
    watch.hear(now_s + 1802)
    assert watch.look(now_s + 1802 + SILENCE_MIN_S) is Remedy.RESCAN


@given(st.lists(st.tuples(st.floats(0, 7200), st.booleans()), max_size=300))
def test_remedies_are_never_closer_than_the_time_they_are_given(
    story: list[tuple[float, bool]],
) -> None:
    watch, now_s = lively()
    last_s = float("-inf")
    for pause_s, hears in story:
        now_s += pause_s
        if hears:
            watch.hear(now_s)
        elif watch.look(now_s) is not Remedy.NONE:
            assert now_s - last_s >= HELP_S
            last_s = now_s


OFTEN = replace(PACE, reread_s=0.1)
FAST = Outfit(cuff=None, advertise_ms=20)


def impatient() -> AirWatch:
    return AirWatch(silence_min_s=0.2, help_s=0.2)


def hang(stage: Stage) -> None:
    """Have every controller answer no command and report nothing any more."""
    for caller in stage.server._callers.values():
        assert caller._controller is not None
        caller._controller.hci_sink = None


async def is_lively(watch: Watch) -> None:
    """Return once so much was heard that silence is strange."""
    await eventually(lambda: watch.agent._ears[0].watch._heard >= HEARD_MIN)


def test_a_controller_that_answers_nothing_is_reset_and_the_next_measurement_is_read(
    short_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bumble_adapter, "COMMAND_MAX_S", 0.3)

    @on_air(FAST)
    async def story(stage: Stage) -> None:
        soon_gone = replace(PACE, gone_s=0.3)
        async with watching(stage, ANY, soon_gone, watch=impatient) as watch:
            name = stage.spec.removeprefix("sim:")
            await is_lively(watch)
            hang(stage)
            await stage.air.measure_glucose(stage.home, 5.5)
            await watch.until(lambda: ("radio_reset", name, True) in watch.troubles)
            await watch.until(lambda: ("radio_reset", name, False) in watch.troubles)
            await watch.until(lambda: watch.outbox.counts().open == 1)
            assert watch.visited()[-1] == address(stage.home.meter)
            assert [code for code, _, begins in watch.troubles if begins] == ["radio_reset"]

    story(short_tmp)


@on_air(FAST)
async def test_a_scan_that_ended_by_itself_is_begun_again_without_a_word(stage: Stage) -> None:
    async with watching(stage, ANY, OFTEN, watch=impatient) as watch:
        await is_lively(watch)
        for caller in stage.server._callers.values():
            assert caller._controller is not None
            caller._controller.le_scan_enable = False
        await stage.air.measure_glucose(stage.home, 5.5)
        await watch.until(lambda: watch.outbox.counts().open == 1)
        assert not any(begins for _, _, begins in watch.troubles)
