"""No rule is passed over: what a reading meets is looked at, and of the ordinary nothing is."""

from hypothesis import given
from hypothesis import strategies as st
from reading_parts import RULES, bp, sugar, t

from yikao_alerts.history import Measurement
from yikao_alerts.plan import plan_of
from yikao_alerts.resident import GROUPS, OPTIONS, Resident
from yikao_alerts.rules.vocabulary import FLAGS

PEOPLE = [
    Resident(),
    Resident(1940, "f", frozenset(GROUPS), options=frozenset(OPTIONS)),
    Resident(1995, "f", frozenset({"pregnant"})),
    Resident(1950, "m", targets={"target_systolic_mmhg": 125.0, "pulse_min_bpm": 45.0}),
]
flags = st.sets(st.sampled_from(sorted(set(FLAGS))), max_size=2).map(tuple)
tenths = st.integers(0, 3500).map(lambda value: value / 10)
whole = st.integers(20, 260).map(float)


@st.composite
def readings(draw: st.DrawFn) -> Measurement:
    if draw(st.booleans()):
        unit = draw(st.sampled_from(["mmHg", "kPa"]))
        values = whole if unit == "mmHg" else tenths
        pressure = (draw(values), draw(values))
        return bp(*pressure, t("08:00"), unit=unit, pulse=draw(whole), flags=draw(flags))
    unit = draw(st.sampled_from(["mmol/L", "mg/dL"]))
    number = draw(tenths if unit == "mmol/L" else whole)
    return sugar(number, t("08:00"), unit=unit, flags=draw(flags))


@given(readings(), st.sampled_from(PEOPLE))
def test_whatever_a_reading_meets_alone_is_looked_at(
    measurement: Measurement, resident: Resident
) -> None:
    glance = plan_of(RULES, resident, 2026).glances[measurement.kind]
    for rule, concerned in glance.dealt([measurement]):
        assert concerned == [measurement] or not rule.met_by(measurement), rule.id


def test_an_ordinary_reading_concerns_no_rule_that_has_limits() -> None:
    for ordinary in (bp(122, 76, t("08:00")), sugar(5.6, t("08:00"))):
        glance = plan_of(RULES, Resident(), 2026).glances[ordinary.kind]
        assert glance.concerned(ordinary) == glance.always


@given(st.lists(readings(), max_size=8))
def test_each_rule_gets_its_readings_in_their_order(measurements: list[Measurement]) -> None:
    glance = plan_of(RULES, PEOPLE[1], 2026).glances["blood_pressure"]
    own = [m for m in measurements if m.kind == "blood_pressure"]
    for number, (rule, dealt) in enumerate(glance.dealt(own)):
        assert rule is glance.rules[number]
        assert dealt == [m for m in own if glance.concerned(m) >> number & 1]
