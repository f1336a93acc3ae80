"""What no rule can be met by may be left out of a look, and nothing that is found changes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading_parts import ADA, ANYBODY, RULES, bp, look, minutes, other, says, sugar, t

from yikao_alerts.contexts import STANDING
from yikao_alerts.history import BLOOD_PRESSURE, GLUCOSE, LOOK_BACK, Measurement, Symptoms
from yikao_alerts.plan import plan_of
from yikao_alerts.quiet import Zone, limits_by_field, neighbourhood, reach, zones
from yikao_alerts.resident import Resident
from yikao_alerts.rules import RuleSet
from yikao_alerts.series import series_of

Item = Measurement | Symptoms
PREGNANT = Resident(groups=frozenset({"pregnant"}))
HEART = Resident(groups=frozenset({"heart_failure"}))
YEAR = 2026
NOW = t("12:00", 8)


def passes(measurement: Measurement, resident: Resident = ANYBODY) -> bool:
    return plan_of(RULES, resident, YEAR).screens[measurement.kind].passes(measurement)


@pytest.mark.parametrize(
    ("reading", "quiet"),
    [
        (bp(125, 75, NOW), True),
        (bp(159, 99, NOW), True),
        (bp(160, 75, NOW), False),
        (bp(125, 100, NOW), False),
        (bp(90, 60, NOW), False),  # at a limit that excludes its number: better safe
        (bp(100, 60, NOW), True),
        (bp(125, 75, NOW, pulse=51.5), True),
        (bp(125, 75, NOW, pulse=110), False),
        (bp(125, 104.9, NOW), False),
        (bp(118, 99, NOW), False),  # pulse pressure 19
        (bp(21.2, 13.2, NOW, unit="kPa"), True),
        (bp(21.3, 10.0, NOW, unit="kPa"), False),
        (bp(125, 75, NOW, unit=""), False),
        (bp(125, 75, NOW, plausible=False), False),
        (bp(125, 75, NOW, flags=("irregular_pulse",)), False),
        (bp(125, 75, NOW, flags=("cuff_loose",)), True),
        (bp(125, 75, NOW, context=STANDING), False),
        (sugar(4.0, NOW), True),
        (sugar(3.9, NOW), False),
        (sugar(13.8, NOW), True),
        (sugar(13.9, NOW), False),
        (sugar(71, NOW, unit="mg/dL"), True),
        (sugar(250, NOW, unit="mg/dL"), False),
        (sugar(None, NOW, flags=("hi",)), False),
        (other("ketone", 0.5, NOW), True),
        (other("ketone", 0.6, NOW), False),
        (other("weight", 70, NOW), True),
        (other("spo2", 95, NOW), True),
    ],
)
def test_what_is_quiet(reading: Measurement, quiet: bool) -> None:
    assert passes(reading) is quiet


def test_what_is_quiet_depends_on_whose_it_is() -> None:
    assert not passes(bp(140, 85, NOW), PREGNANT)
    assert not passes(sugar(5.3, NOW, context="fasting"), PREGNANT)
    assert not passes(other("weight", 70, NOW), HEART)
    slow = Resident(targets={"pulse_min_bpm": 60})
    assert not passes(bp(125, 75, NOW, pulse=58), slow)


@pytest.mark.parametrize("rules", [RULES, ADA])
def test_a_look_reaches_back_as_far_as_any_rule(rules: RuleSet) -> None:
    assert reach(rules) == timedelta(days=7)
    assert reach(rules) + neighbourhood(rules) < LOOK_BACK


def test_limits_are_given_in_each_unit_and_bands_as_stretches() -> None:
    limited = limits_by_field([RULES.rule("BP-05")])
    assert limited[BLOOD_PRESSURE, "systolic", "mmHg"] == (Zone(160, 180),)
    assert limited[BLOOD_PRESSURE, "diastolic", "kPa"] == (Zone(13.3, 14.7),)
    low = limits_by_field([RULES.rule("GL-03")])
    assert low[GLUCOSE, "glucose", "mg/dL"] == (Zone(-inf, 70),)


def test_the_zone_is_the_widest_that_no_limit_touches() -> None:
    plan = plan_of(RULES, ANYBODY, YEAR)
    quiet = zones([*plan.judged[BLOOD_PRESSURE], *plan.judged[GLUCOSE]])
    assert quiet[BLOOD_PRESSURE, "systolic", "mmHg"] == Zone(90, 160)
    assert quiet[BLOOD_PRESSURE, "pulse", "bpm"] == Zone(51, 110)
    assert quiet[GLUCOSE, "glucose", "mmol/L"] == Zone(3.9, 13.9)


def loud(item: Item, resident: Resident) -> bool:
    """Return whether an item has to be kept for its own sake."""
    if isinstance(item, Symptoms):
        return True
    late = item.age > RULES.late.late_after or item.age < timedelta(minutes=-2)
    return late or not passes(item, resident)


def kept(items: list[Item], resident: Resident) -> Iterator[Item]:
    """Yield what may not be left out, as `quiet.py` says it."""
    near = neighbourhood(RULES)
    centres = [
        time for item in items if loud(item, resident) for time in (item.at, item.received_at)
    ]
    own = {item.key for item in items if loud(item, resident)}
    pressures = sorted(
        (item for item in items if isinstance(item, Measurement) and item.kind == BLOOD_PRESSURE),
        key=lambda item: (item.at, item.key),
    )
    for session in series_of(pressures).sessions():
        keys = {m.key for m in session.readings}
        own |= keys if keys & own else set()
    for item in items:
        if item.key in own or any(abs(item.at - centre) <= near for centre in centres):
            yield item


ordinary = st.tuples(st.integers(101, 159), st.integers(55, 80), st.integers(52, 109))
residents = st.sampled_from(
    [
        ANYBODY,
        PREGNANT,
        HEART,
        Resident(
            groups=frozenset({"diabetes", "type2"}), options=frozenset({"glucose_high_downgrade"})
        ),
        Resident(birth_year=1940, groups=frozenset({"on_treatment", "insulin"})),
    ]
)


@st.composite
def times(draw: st.DrawFn) -> datetime:
    """A time of eight days, often within the same hours."""
    hour = draw(st.sampled_from([0, 1, 24, 36, 48, 100, 180]))
    return t("08:00") + timedelta(hours=hour, minutes=draw(st.integers(0, 400)))


@st.composite
def quiet_items(draw: st.DrawFn) -> Item:
    at = draw(times())
    match draw(st.integers(0, 5)):
        case 0:
            return sugar(draw(st.sampled_from([4.1, 5.2, 6.0, 9.0, 13.8])), at)
        case 1:
            return other("ketone", draw(st.sampled_from([0.1, 0.5])), at)
        case 2:
            return other("weight", draw(st.sampled_from([70, 71, 72.5])), at)
    high, low, pulse = draw(ordinary)
    return bp(high, low, at, pulse=pulse)


@st.composite
def loud_items(draw: st.DrawFn) -> Item:
    at = draw(times())
    flags = ("irregular_pulse",)
    return draw(
        st.sampled_from(
            [
                bp(185, 95, at),
                bp(165, 95, at),
                bp(205, 100, at, received=at + minutes(90)),
                bp(88, 60, at),
                bp(98, 60, at),
                bp(150, 95, at, received=at + minutes(300)),
                bp(120, 75, at, pulse=115),
                bp(120, 75, at, flags=flags),
                sugar(3.5, at),
                sugar(14.5, at),
                sugar(18.0, at),
                other("ketone", 0.8, at),
                says("vomiting", at),
            ]
        )
    )


@given(
    st.lists(quiet_items(), max_size=12, unique_by=lambda item: item.key),
    st.lists(loud_items(), max_size=3, unique_by=lambda item: item.key),
    residents,
)
def test_leaving_out_what_is_quiet_changes_nothing(
    ordinary_items: list[Item], loud_ones: list[Item], who: Resident
) -> None:
    taken = {item.key for item in loud_ones}
    items = [*loud_ones, *(item for item in ordinary_items if item.key not in taken)]
    less = list(kept(items, who))
    with_all, with_less = look(NOW, *items, resident=who), look(NOW, *less, resident=who)
    assert with_less.findings == with_all.findings
    assert with_less.refusals == with_all.refusals


@given(st.lists(quiet_items(), max_size=12, unique_by=lambda item: item.key))
def test_nothing_is_found_in_what_is_quiet(items: list[Item]) -> None:
    said = look(NOW, *items)
    assert (said.findings, said.refusals) == ((), ())
