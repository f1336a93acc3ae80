"""What always holds, whatever was measured, by whom, and in whatever order it arrived."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from hypothesis import assume, given
from hypothesis import strategies as st
from reading_parts import RULES, bp, look, minutes, other, says, sugar, t

from yikao_alerts.evaluate import Evaluation
from yikao_alerts.findings import Finding, Refusal, Why
from yikao_alerts.history import Measurement, Symptoms
from yikao_alerts.resident import Resident
from yikao_alerts.rules.model import SEVERITIES
from yikao_alerts.series import SESSION_GAP

Item = Measurement | Symptoms
_T = TypeVar("_T", Measurement, Symptoms)
EIGHT = t("08:00")
PAGE_NOW = SEVERITIES.index("page_now")
FAMILIES = sorted({rule.family for rule in RULES.rules if rule.family})

OTHERS = {
    "ketone": [0.3, 0.6, 1.0, 1.6],
    "spo2": [86, 91, 93, 97],
    "temperature": [34.9, 37.0, 39.1],
    "weight": [70, 71.9, 72, 74],
}
systolics = st.sampled_from([85, 89, 90, 99, 110, 150, 160, 170, 179, 180, 186, 195, 199, 200, 210])
diastolics = st.sampled_from([45, 60, 70, 80, 95, 109, 110, 112, 119, 120])
pulses = st.sampled_from([39, 41, 60, 80, 80, 101, 115, 131])
sweet = st.sampled_from([2.5, 3.0, 3.9, 5.5, 7.0, 13.9, 16.6, 16.7, 18.0, 33.3])
delays = st.sampled_from([5, 5, 5, 65, 300, 600, 1200, 7201, 90_000])
codes = st.sampled_from(["none", "vomiting", "confusion", "seizure", "cold_sweat", "palpitations"])
flags = st.sampled_from([(), (), (), ("irregular_pulse",), ("clock_error",)])
contexts = st.sampled_from([None, None, None, "seated", "standing", "office"])
residents = st.builds(
    Resident,
    birth_year=st.sampled_from([None, 1940, 1990]),
    groups=st.frozensets(
        st.sampled_from(
            ["pregnant", "diabetes", "insulin", "copd", "heart_failure", "on_treatment"]
        ),
        max_size=3,
    ),
)


@st.composite
def arrivals(draw: st.DrawFn) -> timedelta:
    """How long after eight something arrives: mostly within half an hour, so that waits overlap."""
    hours = draw(st.sampled_from([0, 0, 0, 0, 1, 4, 12, 48]))
    return timedelta(hours=hours, seconds=30 * draw(st.integers(0, 60)))


@st.composite
def readings(draw: st.DrawFn) -> Measurement:
    received = EIGHT + draw(arrivals())
    at = received - timedelta(seconds=draw(delays))
    match draw(st.integers(0, 9)):
        case 0 | 1:
            return sugar(draw(sweet), at, received=received)
        case 2:
            field, values = draw(st.sampled_from(sorted(OTHERS.items())))
            return other(field, draw(st.sampled_from(values)), at, received=received)
        case 3:
            high, low = draw(systolics) / 7.5, draw(diastolics) / 7.5
            return bp(high, low, at, received=received, unit="kPa")
    return bp(
        draw(systolics),
        draw(diastolics),
        at,
        received=received,
        pulse=draw(pulses),
        flags=draw(flags),
        context=draw(contexts),
        doubt_s=draw(st.sampled_from([2, 2, 86_400])),
    )


@st.composite
def reports(draw: st.DrawFn) -> Symptoms:
    received = EIGHT + draw(arrivals())
    return says(draw(codes), received - timedelta(seconds=draw(delays)), received=received)


items_of_a_resident = st.lists(readings() | reports(), max_size=8, unique_by=lambda i: i.key)
moments = st.integers(0, 400).map(lambda tenths: EIGHT + timedelta(minutes=tenths / 10)) | st.just(
    t("12:00", 3)
)


def arrived(items: list[Item], now: datetime) -> list[Item]:
    """Return what the server has at `now`."""
    return [item for item in items if item.received_at <= now]


def shifted(value: _T, by: timedelta) -> _T:
    return replace(value, at=value.at + by, received_at=value.received_at + by)


@given(st.data(), items_of_a_resident, residents, moments)
def test_the_order_of_arrival_changes_nothing(
    data: st.DataObject, items: list[Item], who: Resident, now: datetime
) -> None:
    once = look(now, *items, resident=who)
    assert look(now, *data.draw(st.permutations(items)), resident=who) == once
    assert look(now, *items, *items, resident=who) == once, "nor do duplicates"


@given(items_of_a_resident, residents, moments, st.integers(-(10**6), 10**6))
def test_shifting_all_times_shifts_the_answer(
    items: list[Item], who: Resident, now: datetime, seconds: int
) -> None:
    by = timedelta(seconds=seconds)
    here = look(now, *items, resident=who)
    there = look(now + by, *(shifted(item, by) for item in items), resident=who)

    def moved(one: Finding) -> Finding:
        until = one.waited_until and one.waited_until + by
        return replace(one, at=one.at + by, waited_until=until)

    def moved_refusal(one: Refusal) -> Refusal:
        return replace(one, at=one.at + by, until=one.until and one.until + by)

    assert there.findings == tuple(moved(f) for f in here.findings)
    assert there.refusals == tuple(moved_refusal(r) for r in here.refusals)


def worst(evaluation: Evaluation, family: str) -> tuple[int, int]:
    """Return how much the worst finding of a family asks for."""
    return max((f.weight for f in evaluation.findings if f.family == family), default=(-1, -1))


@given(items_of_a_resident, readings(), residents, st.integers(1, 7200), moments)
def test_an_older_reading_never_cancels_a_page(
    items: list[Item], reading: Measurement, who: Resident, seconds: int, now: datetime
) -> None:
    oldest = min([item.at for item in items] or [now])
    older = replace(reading, key=f"older/{reading.key}", at=oldest - timedelta(seconds=seconds))
    before = look(now, *arrived(items, now), resident=who)
    after = look(now, *arrived([*items, older], now), resident=who)
    another_sitting = timedelta(seconds=seconds) > SESSION_GAP
    for family in FAMILIES:
        if another_sitting or worst(before, family)[0] == PAGE_NOW:
            assert worst(after, family) >= worst(before, family)


@given(
    items_of_a_resident, residents, st.sampled_from([(200, 70), (240, 119), (150, 120)]), moments
)
def test_a_fresh_crisis_always_pages_at_once(
    items: list[Item], who: Resident, pressures: tuple[int, int], now: datetime
) -> None:
    crisis = replace(bp(*pressures, now - minutes(1)), key="crisis")
    evaluation = look(now, *arrived(items, now), crisis, resident=who)
    about = [f for f in evaluation.findings if f.trigger == "crisis" and f.family]
    assert any(f.severity == "page_now" for f in about)


@given(items_of_a_resident, residents, moments, st.integers(1, 1200))
def test_nothing_more_is_found_before_the_time_at_which_to_look_again(
    items: list[Item], who: Resident, now: datetime, seconds: int
) -> None:
    come = arrived(items, now)
    evaluation = look(now, *come, resident=who)
    again = evaluation.look_again_at
    later = now + timedelta(seconds=seconds)
    if again is None or later < again:
        assert look(later, *come, resident=who).findings == evaluation.findings


@given(items_of_a_resident, residents, moments)
def test_every_high_reading_is_accounted_for(
    items: list[Item], who: Resident, now: datetime
) -> None:
    items = arrived(items, now)
    evaluation = look(now, *items, resident=who)
    severe = {
        item.key
        for item in items
        if isinstance(item, Measurement) and RULES.rule("BP-03").met_by(item)
    }
    parts = (*evaluation.findings, *evaluation.refusals)
    assert severe <= {part.trigger for part in parts if part.rule_id == "BP-03"}
    for refusal in evaluation.refusals:
        assert refusal.until is None or refusal.until > now


@given(items_of_a_resident, residents, moments)
def test_nothing_that_may_never_be_suppressed_is_covered(
    items: list[Item], who: Resident, now: datetime
) -> None:
    for refusal in look(now, *arrived(items, now), resident=who).refusals:
        if refusal.why is Why.COVERED_BY_WORSE and refusal.rule_id in RULES.suppress.never:
            assert refusal.until is not None, "only a repeat that is not asked for twice"


MMHG = [(85, 11.3), (89, 11.9), (90, 12.0), (99, 13.2), (100, 13.3), (110, 14.7), (140, 18.7)]
MMHG += [(150, 20.0), (159, 21.2), (160, 21.3), (179, 23.9), (180, 24.0), (199, 26.6), (200, 26.7)]
LOWER = [(49, 6.5), (60, 8.0), (70, 9.3), (89, 11.8), (90, 12.0), (99, 13.2), (100, 13.3)]
LOWER += [(109, 14.6), (110, 14.7), (119, 15.9), (120, 16.0)]
MG_DL = [(2.9, 53), (3.0, 54), (3.9, 70), (4.0, 71), (5.5, 99), (13.8, 249), (13.9, 250)]
MG_DL += [(16.6, 299), (16.7, 300), (33.2, 599), (33.3, 600), (11.0, 199), (11.1, 200)]
"""The same value as two devices show it, at each limit and just beside it."""


@given(
    st.lists(st.tuples(st.sampled_from(MMHG), st.sampled_from(LOWER)), max_size=4),
    st.lists(st.sampled_from(MG_DL), max_size=4),
    residents,
    st.sampled_from([1, 15, 60 * 24]),
)
def test_the_unit_of_the_device_changes_nothing(
    pressures: list[tuple[tuple[float, float], tuple[float, float]]],
    glucoses: list[tuple[float, float]],
    who: Resident,
    after: int,
) -> None:
    """One reading a sitting: means of rounded numbers may differ by the last digit."""
    pairs = [(high, low) for high, low in pressures if high[0] > low[0] and high[1] > low[1]]
    times = [EIGHT + timedelta(minutes=31 * n) for n in range(len(pairs))]
    sweet_times = [EIGHT + timedelta(minutes=125 * n) for n in range(len(glucoses))]
    narrow = [high[0] - low[0] < 20 for high, low in pairs]
    assume(narrow == [round(high[1] - low[1], 6) < 2.7 for high, low in pairs])
    usual = [bp(high[0], low[0], at) for (high, low), at in zip(pairs, times, strict=True)]
    usual += [sugar(value[0], at) for value, at in zip(glucoses, sweet_times, strict=True)]
    twins = [
        bp(high[1], low[1], at, unit="kPa") for (high, low), at in zip(pairs, times, strict=True)
    ]
    twins += [
        sugar(value[1], at, unit="mg/dL") for value, at in zip(glucoses, sweet_times, strict=True)
    ]
    now = max([*times, *sweet_times], default=EIGHT) + timedelta(minutes=after)

    def told(*items: Measurement) -> list[tuple[str, str, str, str]]:
        findings = look(now, *items, resident=who).findings
        return [(f.rule_id, f.severity, f.confirmed, f.trigger) for f in findings]

    assert told(*usual) == told(*twins)
