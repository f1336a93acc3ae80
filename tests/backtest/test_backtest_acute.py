"""What is left out changes nothing: weeks at one go against each arrival looked at live."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from backtest_parts import DAY, HOME, RULES, Row, as_csv, pressure, sugar
from fix_hypothesis import examples
from hypothesis import example, given
from hypothesis import strategies as st

from yikao_alerts.backtest.acute import USUAL, Case, acute_findings
from yikao_alerts.backtest.block import read_block
from yikao_alerts.backtest.days import home_days, home_minutes
from yikao_alerts.backtest.found import Found
from yikao_alerts.backtest.items import Items, namesakes
from yikao_alerts.backtest.loud import concern_of
from yikao_alerts.backtest.own import Unlike, unlike
from yikao_alerts.backtest.panel import Panel, panel_of
from yikao_alerts.backtest.vector import implausible, met, passes
from yikao_alerts.backtest.vocabulary import COLUMNS, KINDS
from yikao_alerts.backtest.watch import Watch
from yikao_alerts.history import UNITS, Measurement
from yikao_alerts.plan import plan_of
from yikao_alerts.quality import distance
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import READINGS, OnReading

ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
PEOPLE = [
    Resident(targets={}),
    Resident(1940, "f", frozenset({"on_treatment", "insulin", "lives_alone"}), {}),
    Resident(None, None, frozenset({"pregnant", "diabetes"}), {}),
    Resident(1961, "m", frozenset({"heart_failure", "copd", "type2"}), {"spo2_min_pct": 88.0}),
]
SITTINGS = {
    rule.id
    for rule in RULES.rules
    if rule.protocol is None
    and isinstance(rule.form, OnReading)
    and any(times.of != READINGS for times in rule.form.times)
}
"""Rules that count sittings and ask for no repeat."""
MINUTES = st.integers(0, 12 * 24 * 60)
LATER = st.sampled_from([0, 0, 0, 0, 0, 1, 20, 180, 1500, 3000])
"""Minutes from measuring to arriving."""


def row(kind: str, minute: int, late: int, values: dict[str, object]) -> Row:
    when = DAY + timedelta(minutes=minute)
    arrived = when + timedelta(minutes=late)
    return {
        "resident": "a",
        "measured_at": when.isoformat(),
        "received_at": arrived.isoformat(),
        "kind": kind,
        **values,
    }


PRESSURES = st.builds(
    lambda high, low, context, flags: {
        "systolic_mmhg": high,
        "diastolic_mmhg": low,
        "context": context,
        "flags": flags,
    },
    st.sampled_from([88, 95, 120, 128, 135, 142, 159, 163, 172, 181, 190, 204, 300]),
    st.sampled_from([45, 62, 78, 88, 101, 112, 121]),
    st.sampled_from(["", "", "", "seated", "standing", "office"]),
    st.sampled_from(["", "", "irregular_pulse"]),
)
SUGARS = st.builds(
    lambda value, context: {"glucose": value, "context": context},
    st.sampled_from([2.6, 3.4, 3.9, 4.2, 5.8, 7.4, 12.0, 14.2, 17.1, 34.0]),
    st.sampled_from(["", "fasting", "after_meal_2h"]),
)
OTHERS = st.sampled_from(
    [
        ("ketone", {"ketone_mmol_l": 0.8}),
        ("ketone", {"ketone_mmol_l": 1.4}),
        ("spo2", {"spo2_pct": 87, "pulse_bpm": 115}),
        ("weight", {"weight_kg": 70}),
        ("weight", {"weight_kg": 72.4}),
        ("temperature", {"temperature_c": 39.4}),
        ("symptom", {"symptoms": "vomiting"}),
        ("symptom", {"symptoms": "blurred_vision;palpitations"}),
    ]
)
ONE = st.one_of(
    st.builds(lambda m, late, v: row("blood_pressure", m, late, v), MINUTES, LATER, PRESSURES),
    st.builds(lambda m, late, v: row("glucose", m, late, v), MINUTES, LATER, SUGARS),
    st.builds(lambda m, late, other: row(other[0], m, late, other[1]), MINUTES, LATER, OTHERS),
)


@st.composite
def sittings(draw: st.DrawFn) -> list[Row]:
    """One reading and some soon after it: repeats, rounds of a re-check."""
    first = draw(ONE)
    rows = [first]
    begin = datetime.fromisoformat(str(first["measured_at"]))
    for minutes in draw(st.lists(st.sampled_from([1, 2, 5, 15, 20, 41, 70]), max_size=3)):
        values = draw(PRESSURES) if first["kind"] == "blood_pressure" else draw(SUGARS)
        kind = "blood_pressure" if first["kind"] == "blood_pressure" else "glucose"
        minute = int((begin - DAY).total_seconds() // 60) + minutes
        rows.append(row(kind, minute, draw(LATER), values))
    return rows


def panel(rows: Sequence[Row]) -> Panel:
    data = as_csv(rows).encode().partition(b"\n")[2]
    block = read_block(data, COLUMNS, HOME)
    assert not block.faults
    return panel_of([(block.rows, block.residents, block.devices)])


def watched(of: Panel, resident: Resident) -> Watch:
    days = home_days(home_minutes(of.rows["at"], HOME))
    bad = implausible(RULES.rules, of.rows)
    strange = unlike(of.rows, days, ~bad, ~bad, len(of.residents), 16.3)
    return Watch(of, [resident], HOME, days, bad, strange)


def told(found: Sequence[Found]) -> set[tuple[object, ...]]:
    return {
        (f.rule, f.severity, f.confirmed, f.inputs, f.at) for f in found if f.rule not in SITTINGS
    }


def sitting(found: Sequence[Found]) -> set[tuple[object, ...]]:
    """Return what counts sittings: they are taken as they were at their end, and live the first
    reading of one may have told already (docs/backtest.md)."""
    return {(f.rule, f.at) for f in found if f.rule in SITTINGS}


LOW: dict[str, object] = {"systolic_mmhg": 88, "diastolic_mmhg": 45, "context": ""}
FLAGGED = LOW | {"flags": "irregular_pulse"}
OVERTAKEN = [
    row("blood_pressure", 1, 0, FLAGGED),
    row("blood_pressure", 2, 1, LOW | {"flags": ""}),
    row("blood_pressure", 2, 0, FLAGGED),
]
"""Two records of one moment, of which the second came first."""


@examples(40)
@given(st.lists(sittings(), min_size=1, max_size=12), st.sampled_from(PEOPLE))
@example([OVERTAKEN], PEOPLE[0])
def test_weeks_at_once_find_what_each_arrival_finds(
    stories: list[list[Row]], resident: Resident
) -> None:
    of = panel([each for story in stories for each in story])
    watch = watched(of, resident)
    quick = [f for case in watch.cases(RULES) for f in acute_findings(case, RULES)]
    items = Items(of, watch.bad, namesakes(of.rows)).of(np.arange(of.rows.size))
    live = Case("a", resident, items, [ALWAYS], [], lambda now: USUAL)
    every = acute_findings(live, RULES)
    assert told(quick) == told(every)
    assert sitting(quick) <= sitting(every)


@examples(60)
@given(st.lists(ONE, min_size=1, max_size=10), st.sampled_from(PEOPLE))
def test_columns_are_judged_as_readings_are(rows: list[Row], resident: Resident) -> None:
    of = panel(rows)
    plan = plan_of(RULES, resident, 2026)
    bad = implausible(RULES.rules, of.rows)
    items = Items(of, bad, namesakes(of.rows)).of(np.arange(of.rows.size))
    concern = concern_of(plan)
    for number, item in enumerate(items):
        if not isinstance(item, Measurement):
            continue
        one = of.rows[number : number + 1]
        assert bad[number] == (RULES.implausible(item) is not None)
        if item.plausible:
            quiet = concern.screens[item.kind].passes(item)
            assert passes(concern.screens[item.kind], item.kind, one)[0] == quiet
        for rule in RULES.rules:
            assert met(rule, item.kind, one)[0] == rule.met_by(item)


def test_a_reading_of_somebody_else_is_told_once_and_kept_out(rng_seed: int = 3) -> None:
    draw = np.random.default_rng(rng_seed)
    rows = []
    for day in range(40):
        high, low, pulse = draw.normal((130, 80, 70), (6, 4, 4)).round().tolist()
        when = (DAY + timedelta(days=day, hours=8)).isoformat()
        rows.append(pressure("a", when, high, low, pulse_bpm=pulse))
    other = (DAY + timedelta(days=38, hours=20)).isoformat()
    rows.append(pressure("a", other, 108, 92, pulse_bpm=101))
    of = panel(rows)
    watch = watched(of, PEOPLE[0])
    found = [f for case in watch.cases(RULES) for f in acute_findings(case, RULES)]
    (unusual,) = [f for f in found if f.rule == "DQ-05"]
    assert unusual.at.astimezone(HOME).isoformat() == other
    ((place, profile),) = watch.strange.profiles.items()
    (item,) = Items(of, watch.bad, namesakes(of.rows)).of(np.array([place]))
    assert isinstance(item, Measurement)
    d2 = distance(profile, item)
    assert d2 is not None and d2 > 16.3 and profile.n == 38


def test_kinds_and_units_are_those_of_the_readings() -> None:
    assert KINDS[:-1] == tuple(UNITS)
    assert Unlike({}).between(0, 5) == []


@pytest.mark.parametrize("glucose", [3.9, 4.0])
def test_two_readings_of_one_minute_both_count(glucose: float) -> None:
    when = (DAY + timedelta(hours=8)).isoformat()
    of = panel([sugar("a", when, glucose), sugar("a", when, 3.4), sugar("a", when, 3.4)])
    watch = watched(of, PEOPLE[0])
    found = [f for case in watch.cases(RULES) for f in acute_findings(case, RULES)]
    low = {f.inputs[0] for f in found if f.rule == "GL-03"}
    assert of.copies == 1 and len(low) == (2 if glucose == 3.9 else 1)
