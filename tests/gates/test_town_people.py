"""The people of a town are the same for the same seed, and like those of the published figures."""

from dataclasses import replace

import numpy as np
import pytest

from yikao_sim.errors import SimError
from yikao_sim.town.events import SCENARIOS, Scenario, course, scenario_named
from yikao_sim.town.parameters import EVENING, MORNING, Parameters, Sugar
from yikao_sim.town.people import BLOCK, Town
from yikao_sim.town.readings import Block, block_of
from yikao_sim.town.replies import Place, reply, wants_another
from yikao_sim.town.sugar import fasting_glucose, rechecks
from yikao_sim.town.vitals import beside

TOWN = Town(2 * BLOCK, 224, 5)
PARAMETERS = Parameters()


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [block_of(TOWN, number) for number in range(TOWN.blocks)]


def test_a_block_is_the_same_made_alone_and_again(blocks: list[Block]) -> None:
    again = block_of(TOWN, 1)
    assert np.array_equal(again.systolic, blocks[1].systolic, equal_nan=True)
    assert not np.array_equal(again.systolic, blocks[0].systolic, equal_nan=True)
    assert np.array_equal(beside(again).diastolic, beside(blocks[1]).diastolic, equal_nan=True)


def test_another_seed_makes_other_people(blocks: list[Block]) -> None:
    other = block_of(replace(TOWN, seed=6), 0)
    assert not np.array_equal(other.people.usual, blocks[0].people.usual)


def test_an_event_changes_nobodys_noise(blocks: list[Block]) -> None:
    happened = block_of(replace(TOWN, scenario=scenario_named("cuff10")), 0)
    before, after = happened.systolic[:, :112], blocks[0].systolic[:, :112]
    assert np.array_equal(before, after, equal_nan=True)
    plain = ~happened.people.typed
    rise = (happened.systolic - blocks[0].systolic)[plain, 112:]
    own = np.isnan(happened.other_level)[plain, 112:, :, None]
    own = own & (blocks[0].systolic[plain, 112:] > PARAMETERS.faults.readable[0])
    assert np.abs(rise[own] - 10.0).max() <= 1.0, "but for rounding"


def test_readings_spread_as_published(blocks: list[Block]) -> None:
    """Kato 2010: one morning reading for four weeks, SD 8.6 +- 3.1 within a person.

    The mean of n SDs that scatter by 3.5 lies within 3.3 x 3.5 / sqrt(n) of the true one.
    """
    mornings = np.concatenate([block.systolic[:, 56:84, MORNING, 0] for block in blocks])
    enough = mornings[(~np.isnan(mornings)).sum(axis=1) >= 14]
    within = np.nanstd(enough, axis=1, ddof=1)
    assert within.mean() == pytest.approx(8.64, abs=3.3 * 3.5 / np.sqrt(len(enough)))
    assert within.std() == pytest.approx(3.48, abs=0.8)


def test_people_measure_as_often_as_their_strata_say(blocks: list[Block]) -> None:
    weeks = TOWN.people * TOWN.days / 7
    readings = sum(int((~np.isnan(block.systolic)).sum()) for block in blocks)
    assert readings / weeks == pytest.approx(14.5, abs=1.5)


def test_two_readings_of_a_session_differ_as_in_a_real_series(blocks: list[Block]) -> None:
    pairs = np.concatenate([np.diff(block.systolic, axis=3).ravel() for block in blocks])
    assert np.nanstd(pairs) == pytest.approx(7.6, abs=0.3)


def test_the_diastolic_pressure_pages_nobody(blocks: list[Block]) -> None:
    for block in blocks:
        taken = ~np.isnan(block.systolic)
        extra = beside(block)
        assert (extra.diastolic[taken] < 110).all()
        assert (block.systolic - extra.diastolic)[taken].min() >= 20
        assert ((extra.pulse > 50) & (extra.pulse < 111)).all()
    stable = extra.diastolic[:, 56:84, MORNING, 0]
    often = (~np.isnan(stable)).sum(axis=1) >= 14
    assert np.nanstd(stable[often], axis=1, ddof=1).mean() == pytest.approx(5.8, abs=0.6)


def test_lost_readings_are_lost_at_random(blocks: list[Block]) -> None:
    thinned = block_of(replace(TOWN, lost=0.3), 0)
    left = (~np.isnan(thinned.systolic)).sum() / (~np.isnan(blocks[0].systolic)).sum()
    assert left == pytest.approx(0.7, abs=0.01)


def test_everybody_of_a_cohort_starts_on_one_day() -> None:
    july = block_of(replace(TOWN, people=50, start="july"), 0)
    assert set(july.people.phase.tolist()) == {181.0}
    assert july.usual_level[:, 180:200].mean() > july.usual_level[:, :20].mean() + 3


@pytest.mark.parametrize(
    ("name", "day", "size"),
    [
        ("step10", 112, 0.0),
        ("step10", 115, 6.32),
        ("step-20", 150, -20.0),
        ("cuff5", 111, 0.0),
        ("cuff5", 112, 5.0),
        ("ramp10", 126, 5.0),
        ("ramp10", 200, 10.0),
        ("none", 200, 0.0),
    ],
)
def test_the_course_of_an_event(name: str, day: int, size: float) -> None:
    assert course(scenario_named(name), 224)[day] == pytest.approx(size, abs=0.01)


def test_a_crisis_is_one_evening() -> None:
    quiet, crisis = (
        block_of(Town(100, 40, 3, scenario), 0)
        for scenario in (Scenario(), scenario_named("crisis", 30))
    )
    added = crisis.session_level - quiet.session_level
    assert ((added[:, 30, EVENING] >= 44.9) & (added[:, 30, EVENING] <= 70.1)).all()
    assert np.delete(added.reshape(100, -1), 61, axis=1) == pytest.approx(0.0, abs=0.01)


def test_an_unknown_scenario_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SimError, match="step10"):
        scenario_named("flood")
    assert {"none", "crisis", "ramp10", "step-15", "cuff20", "glucose30"} <= SCENARIOS.keys()


def test_a_reply_depends_on_nobody_elses() -> None:
    block = block_of(Town(50, 30, 3), 0)
    place = Place(7, 12, EVENING)
    once = [reply(block, place, number) for number in (1, 2, 3)]
    assert [reply(block, place, number) for number in (3, 1)] == [once[2], once[0]]
    answers = [reply(block, Place(person, 5, MORNING), 1) for person in range(50)]
    shown = [answer.systolic for answer in answers if answer]
    assert 40 <= len(shown) < 50, "most people reply"
    level = block.session_level[:, 5, MORNING]
    assert np.median(shown) == pytest.approx(np.median(level), abs=8)


def test_the_display_asks_when_readings_do_not_decide() -> None:
    asking = PARAMETERS.asking
    assert not wants_another(asking, [(150, 80)])
    assert wants_another(asking, [(181, 80)])
    assert wants_another(asking, [(150, 80), (85, 50)])
    assert wants_another(asking, [(185, 80), (170, 80)]), "they differ by more than 10"
    assert wants_another(asking, [(184, 80), (180, 80)]), "the mean is near the limit"
    assert not wants_another(asking, [(190, 80), (188, 80)])
    assert not wants_another(asking, [(184, 80), (180, 80), (170, 80)])


def test_glucose_spreads_as_assumed() -> None:
    sugar = replace(Sugar(), often_share=1.0, contaminated=0.0)
    town = Town(BLOCK, 200, 4, diabetes=1.0, parameters=Parameters(sugar=sugar))
    measured = fasting_glucose(block_of(town, 0)).measured
    assert not np.isnan(measured).any()
    assert np.log(measured).std(axis=1).mean() == pytest.approx(np.hypot(0.17, 0.06), abs=0.005)
    assert np.isnan(fasting_glucose(block_of(TOWN, 0)).measured).all(), "nobody here has a meter"


def test_a_low_glucose_is_measured_again_after_sugar_and_a_high_one_with_clean_hands() -> None:
    town = Town(BLOCK, 300, 9, diabetes=1.0, insulin=1.0)
    block = block_of(town, 0)
    fasting = fasting_glucose(block)
    again = list(rechecks(block, fasting))
    low = [each for each in again if fasting.measured[each.person, each.day] <= 3.9]
    high = [each for each in again if fasting.measured[each.person, each.day] >= 13.9]
    assert len(low) + len(high) == len(again)
    assert len(low) > 100
    assert len(high) > 100
    assert all(each.glucose > fasting.measured[each.person, each.day] for each in low)
    assert {each.after_s // 900 for each in low} == {1, 2}
    for each in high:
        assert each.glucose == pytest.approx(fasting.true[each.person, each.day], rel=0.3)
