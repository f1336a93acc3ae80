"""The quick look at whether a reading is possible says what the rules say, and spares them most."""

from uuid import UUID

import pytest
from clinic import NOW, glucose, pressure
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.from_wire import measurement_of
from yikao_alerts.possible import impossible, ordinary
from yikao_alerts.rules import RuleSet, load_rules
from yikao_devices import wire

RULE_SETS = [load_rules(), load_rules("international")]
ONE = UUID(int=1)

# Around every limit there is, in steps as fine as any device's.
mmhg = st.integers(-50, 3200).map(lambda tenths: tenths / 10)
kpa = st.integers(-50, 420).map(lambda tenths: tenths / 10)
pulse = st.none() | st.integers(0, 260).map(float)
flags = st.lists(st.sampled_from(["hi", "lo", "irregular_pulse", "body_movement"]), max_size=2)
sugar = st.none() | st.integers(0, 700).map(lambda tenths: tenths / 10)


def in_kpa(high: float, low: float, beat: float | None, marks: list[str]) -> wire.Reading:
    return pressure(
        high * 7.50062, low * 7.50062, unit="kPa", systolic_kpa=high, diastolic_kpa=low,
        reading_id=ONE, pulse_bpm=beat, flags=tuple(marks),
    )  # fmt: skip


readings = st.one_of(
    st.builds(
        lambda high, low, beat, marks: pressure(
            high, low, reading_id=ONE, pulse_bpm=beat, flags=tuple(marks)
        ),
        mmhg, mmhg, pulse, flags,
    ),
    st.builds(in_kpa, kpa, kpa, pulse, flags),
    st.builds(lambda value, marks: glucose(value, flags=tuple(marks)), sugar, flags),
    st.builds(
        lambda value: glucose(value / 18.0182, unit="mg/dL", glucose_mg_dl=value),
        st.integers(0, 1300).map(float),
    ),
)  # fmt: skip


@pytest.mark.parametrize("rules", RULE_SETS, ids=lambda rules: rules.profile)
@given(item=readings)
def test_it_says_what_the_rules_say(rules: RuleSet, item: wire.Reading) -> None:
    assert impossible(rules, item) == rules.implausible(measurement_of(item, NOW))


@pytest.mark.parametrize("rules", RULE_SETS, ids=lambda rules: rules.profile)
def test_what_most_devices_say_most_days_needs_no_rule(rules: RuleSet) -> None:
    usual = ordinary(rules)
    for high, low in ((95, 60), (128, 82), (186, 112)):
        assert usual.holds(pressure(high, low))
        assert usual.holds(in_kpa(round(high / 7.5, 1), round(low / 7.5, 1), 70.0, []))
    for value in (3.1, 6.1, 25.0):
        assert usual.holds(glucose(value))


@pytest.mark.parametrize(
    "item",
    [
        pressure(80, 80),
        pressure(59, 40),
        pressure(281, 90),
        pressure(120, 29),
        pressure(120, 80, pulse_bpm=231.0),
    ],
)
def test_what_cannot_be_is_found(item: wire.Reading) -> None:
    assert impossible(RULE_SETS[0], item) is not None
