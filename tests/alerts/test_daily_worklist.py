"""What the closed days put on the worklist: when an entry opens, when it ends, and for whom."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from daily_parts import FIRST_DAY, columns, minute

from yikao_alerts.daily import level, trend
from yikao_alerts.daily.answerable import unanswered
from yikao_alerts.daily.cgm_days import CgmColumns, bands_of, cgm_days
from yikao_alerts.daily.glucose_days import GlucoseColumns, Meal, glucose_days
from yikao_alerts.daily.grid import Grid
from yikao_alerts.daily.parameters import DIASTOLIC_LEVEL
from yikao_alerts.daily.sessions import PressureColumns, pressure_days
from yikao_alerts.daily.spread import PANEL_MIN, top_decile
from yikao_alerts.daily.windows import days_since, over, series_begin
from yikao_alerts.daily.worklist import DailyFinding, worklist
from yikao_alerts.limits import Limit
from yikao_alerts.resident import Resident
from yikao_alerts.rules import load_rules
from yikao_alerts.rules.forms import Spread
from yikao_alerts.rules.model import RuleSet

RULES = load_rules()
MIDDLE_AGED = Resident(birth_year=1970)
NOTHING = (None, None)

Pressure = tuple[float, float] | None
Day = tuple[Pressure, Pressure]
"""Morning and evening, two readings each."""


def readings(people: Sequence[Sequence[Day]]) -> PressureColumns:
    rows = []
    for resident, days in enumerate(people):
        for day, parts in enumerate(days):
            for clock, part in zip(("07:00", "20:00"), parts, strict=True):
                if part is not None:
                    at = minute(day, clock)
                    rows += [(resident, at, *part, 70.0), (resident, at + 1, *part, 70.0)]
    return columns(rows)


def grid_of(people: Sequence[Sequence[Day]], *, kpa: bool = False) -> Grid:
    table = readings(people)
    if kpa:
        table = replace(table, kpa=np.ones(table.minute.size, dtype=np.bool_))
    count = max(len(days) for days in people)
    days = pressure_days(table, len(people), FIRST_DAY, count)
    return Grid(
        FIRST_DAY,
        count,
        pressure=days,
        systolic_trend=trend.run(days.systolic())[1],
        systolic_level=level.run(days.systolic())[1],
        diastolic_level=level.run(days.diastolic(), parameters=DIASTOLIC_LEVEL)[1],
    )


def events(
    days: Sequence[Day], resident: Resident = MIDDLE_AGED, *, kpa: bool = False
) -> list[tuple[str, str, int]]:
    """Return (rule, event, day) of one resident."""
    found = worklist(grid_of([days], kpa=kpa), [resident], RULES)
    return [(each.rule_id, each.event, each.day - FIRST_DAY) for each in found]


def of_rule(rule_id: str, found: list[tuple[str, str, int]]) -> list[tuple[str, int]]:
    return [(event, day) for its, event, day in found if its == rule_id]


def steady(systolic: float, diastolic: float, days: int) -> list[Day]:
    return [((systolic, diastolic), (systolic, diastolic))] * days


def test_a_mean_needs_twelve_readings_after_the_first_day_of_a_series() -> None:
    assert of_rule("BP-06", events(steady(135, 80, 10))) == [("opened", 3)]
    once = [((135.0, 80.0), None)] * 20
    assert of_rule("BP-06", events(once)) == [("opened", 6)]
    rarely = [((135.0, 80.0), None) if day % 2 else NOTHING for day in range(40)]
    assert of_rule("BP-06", events(rarely)) == []


def test_the_first_day_is_dropped_only_in_a_new_series() -> None:
    high_first = [*steady(200, 100, 1), *steady(133, 80, 9)]
    assert of_rule("BP-06", events(high_first)) == []
    goes_on = [*steady(120, 75, 10), *steady(200, 100, 1), *steady(133, 80, 6)]
    assert of_rule("BP-06", events(goes_on))[0] == ("opened", 12)
    after_silence = [
        *steady(120, 75, 10),
        *[NOTHING] * 28,
        *steady(200, 100, 1),
        *steady(133, 80, 6),
    ]
    assert of_rule("BP-06", events(after_silence)) == []


@pytest.mark.parametrize(
    ("pressure", "opens"),
    [((134.99, 84.99), False), ((135, 80), True), ((120, 85), True), ((120, 84), False)],
)
def test_the_boundary_of_bp_06(pressure: tuple[float, float], opens: bool) -> None:
    assert bool(of_rule("BP-06", events(steady(*pressure, 8)))) == opens


def test_means_of_kilopascals_are_compared_in_kilopascals() -> None:
    assert of_rule("BP-06", events(steady(18.0, 10.0, 8), kpa=True)) == [("opened", 3)]
    assert of_rule("BP-06", events(steady(16.0, 11.3, 8), kpa=True)) == [("opened", 3)]
    assert of_rule("BP-06", events(steady(17.9, 11.2, 8), kpa=True)) == []


def test_an_own_target_replaces_the_number() -> None:
    own = replace(
        MIDDLE_AGED, targets={"target_systolic_mmhg": 145.0, "target_diastolic_mmhg": 90.0}
    )
    assert of_rule("BP-06", events(steady(140, 85, 8), own)) == []
    assert of_rule("BP-06", events(steady(145, 85, 8), own)) == [("opened", 3)]


def test_an_entry_ends_well_below_and_not_in_silence() -> None:
    falls = [*steady(150, 80, 8), *steady(133, 78, 8)]
    assert of_rule("BP-07", events(falls)) == [("opened", 3), ("ended", 10)]
    assert of_rule("BP-06", events(falls))[0] == ("opened", 3)
    silent = [*steady(136, 84, 8), *[NOTHING] * 60]
    assert of_rule("BP-06", events(silent)) == [("opened", 3)]


def test_a_level_surely_below_ends_it_only_when_both_pressures_are() -> None:
    dips = [*steady(137, 70, 20), *steady(131, 70, 30)]
    ended = of_rule("BP-06", events(dips))[-1]
    assert ended[0] == "ended" and ended[1] > 26, "131 is not below 130: the level ended it"
    high_diastolic = [*steady(115, 86, 20), *steady(115, 84, 12)]
    assert of_rule("BP-06", events(high_diastolic)) == [("opened", 3)]


def test_mornings_alone() -> None:
    morning = [((140.0, 84.0), (125.0, 75.0))] * 9
    assert of_rule("BP-17", events(morning)) == [("opened", 5)]
    both = [((140.0, 84.0), (136.0, 75.0))] * 9
    assert of_rule("BP-17", events(both)) == []


def test_over_treatment_is_for_treated_people_of_65() -> None:
    low = steady(108, 60, 8)
    treated = Resident(birth_year=1950, groups=frozenset({"on_treatment"}))
    assert of_rule("BP-13", events(low, treated)) == [("opened", 3)]
    assert of_rule("BP-13", events(low, replace(treated, birth_year=1990))) == []
    assert of_rule("BP-13", events(low, replace(treated, groups=frozenset()))) == []


def test_evidence_has_the_numbers_that_decided() -> None:
    (found,) = (
        each
        for each in worklist(grid_of([steady(141, 84, 4)]), [MIDDLE_AGED], RULES)
        if each.rule_id == "BP-06"
    )
    assert found == DailyFinding(
        0,
        "BP-06",
        FIRST_DAY + 3,
        "this_week",
        "opened",
        {
            "what": "mean",
            "days": 7,
            "part": "all",
            "values": {"systolic": 141.0, "diastolic": 84.0},
            "unit": "mmHg",
            "readings": 12,
            "reading_days": 3,
            "limit": {"systolic": 135.0, "diastolic": 85.0},
        },
    )


def wave(middle: float, day: int) -> Day:
    systolic = middle + 4 * float(np.sin(day * 2.4))
    return ((systolic + 3, 70.0), (systolic, 70.0))


def test_a_change_opens_an_entry_for_two_weeks() -> None:
    rise = [wave(118 if day < 90 else 130, day) for day in range(140)]
    found = of_rule("BP-09", events(rise))
    (_, opened), (_, ended) = found[:2]
    assert [event for event, _ in found[:2]] == ["opened", "ended"]
    assert 90 < opened < 105 and ended >= opened + 14
    assert of_rule("BP-10", events(rise)) == []


def test_a_fall_counts_only_when_the_mean_is_low() -> None:
    fall = [wave(150 if day < 90 else 130, day) for day in range(120)]
    assert of_rule("BP-10", events(fall)) == []
    low = [wave(130 if day < 90 else 110, day) for day in range(120)]
    opened = of_rule("BP-10", events(low))
    assert opened and opened[0][0] == "opened"


def test_a_change_too_small_to_matter_is_not_told() -> None:
    grid = grid_of([[wave(118 if day < 90 else 130, day) for day in range(120)]])
    assert grid.systolic_trend is not None
    small = np.where(grid.systolic_trend.alarm == 1, 4.9, np.nan)
    told = worklist(
        replace(grid, systolic_trend=replace(grid.systolic_trend, shift=small)),
        [MIDDLE_AGED],
        RULES,
    )
    assert not [each for each in told if each.rule_id == "BP-09"]


def glucose(values: list[float], meal: Meal, mg_dl: bool) -> Grid:
    count = len(values)
    table = GlucoseColumns(
        np.zeros(count, dtype=np.int64),
        np.array([minute(day, "07:00") for day in range(count)]),
        np.array(values),
        np.full(count, int(meal)),
        np.full(count, mg_dl),
    )
    days = glucose_days(table, 1, FIRST_DAY, count)
    return Grid(FIRST_DAY, count, glucose=days)


@pytest.mark.parametrize(
    ("values", "meal", "mg_dl", "expected"),
    [
        ([7.0, 7.1, 6.9], Meal.FASTING, False, []),
        ([7.0, 7.0, 7.1], Meal.FASTING, False, [("GL-09", 2)]),
        ([7.1, 7.1], Meal.FASTING, False, []),
        ([126, 126, 126], Meal.FASTING, True, []),
        ([126, 126, 127], Meal.FASTING, True, [("GL-09", 2)]),
        ([10.0, 10.0, 10.0], Meal.NOT_FASTING, False, [("GL-10", 2)]),
        ([179, 180, 180], Meal.NOT_FASTING, True, []),
        ([180, 180, 180], Meal.NOT_FASTING, True, [("GL-10", 2)]),
        ([20.0, 20.0, 20.0], Meal.OTHER, False, []),
    ],
)
def test_glucose_means_in_the_own_unit(
    values: list[float], meal: Meal, mg_dl: bool, expected: list[tuple[str, int]]
) -> None:
    found = worklist(glucose(values, meal, mg_dl), [MIDDLE_AGED], RULES)
    assert [(each.rule_id, each.day - FIRST_DAY) for each in found] == expected


def test_fasting_comes_back_to_target() -> None:
    grid = glucose([8.0] * 5 + [6.0] * 14, Meal.FASTING, False)
    found = worklist(grid, [MIDDLE_AGED], RULES)
    assert [each.event for each in found] == ["opened", "ended"]
    assert found[1].evidence["values"] == {"glucose": pytest.approx(7.0, abs=0.2)}


def test_variability_above_twelve_or_among_the_top_tenth() -> None:
    wide = [((120.0 + 30 * (day % 2), 70.0), None) for day in range(30)]
    (opened,) = of_rule("BP-18", events(wide))
    assert opened == ("opened", 14)
    narrow = [((120.0 + 10 * (day % 2), 70.0), None) for day in range(30)]
    assert of_rule("BP-18", events(narrow)) == []
    form = RULES.rule("BP-18").form
    assert isinstance(form, Spread)
    calm = [[((120.0 + day % 2, 70.0), None) for day in range(20)]] * PANEL_MIN
    grid = grid_of([*calm, narrow[:20]])
    assert grid.pressure is not None
    limits = top_decile(grid.pressure, form)
    assert np.isnan(limits[:14]).all() and limits[14:] == pytest.approx(0.5, abs=0.1)
    found = worklist(grid, [MIDDLE_AGED] * (PANEL_MIN + 1), RULES, spread_limits=limits)
    told = [each.resident for each in found if each.rule_id == "BP-18"]
    assert told[-1] == PANEL_MIN


def sensor(values: np.ndarray, every_min: int = 5) -> Grid:
    minutes = minute(0, "04:00") + every_min * np.arange(values.size)
    days = int(np.ceil(values.size * every_min / 1440))
    bands = bands_of(RULES)
    table = CgmColumns(np.zeros(values.size, dtype=np.int64), minutes, values)
    return Grid(FIRST_DAY, days, cgm=cgm_days(table, bands, 1, FIRST_DAY, days))


def test_a_sensor_is_summed_up_after_ten_of_fourteen_days() -> None:
    values = np.where(np.arange(14 * 288) % 10 < 7, 8.0, 12.0)
    assert worklist(sensor(values), [MIDDLE_AGED], RULES) == [], "70 % in range is enough"
    worse = np.where(np.arange(14 * 288) % 20 < 13, 8.0, 12.0)
    (found,) = worklist(sensor(worse), [MIDDLE_AGED], RULES)
    assert (found.rule_id, found.day - FIRST_DAY) == ("GL-14", 9)
    assert found.evidence["in_range_pct"] == pytest.approx(65.0, abs=0.1)
    assert found.evidence["below_pct"] == 0.0
    assert found.evidence["cv_pct"] == pytest.approx(
        100 * worse.std(ddof=1) / worse.mean(), abs=0.5
    )


def test_one_resident_or_many_one_day_or_all() -> None:
    random = np.random.default_rng(3)
    people = []
    for _ in range(30):
        usual, n = random.normal(134, 10), 80
        people.append(
            [
                tuple(
                    (round(usual + random.normal(0, 8)), 82.0) if random.random() < 0.6 else None
                    for _ in range(2)
                )
                for _ in range(n)
            ]
        )
    residents = [Resident(birth_year=1940 + row) for row in range(30)]
    grid = grid_of(people)
    every = worklist(grid, residents, RULES)
    assert len(every) > 30
    for row in (0, 17, 29):
        its = worklist(grid.of(slice(row, row + 1)), residents[row : row + 1], RULES)
        assert its == [replace(each, resident=0) for each in every if each.resident == row]
    opened: set[tuple[int, str]] = set()
    by_day: list[DailyFinding] = []
    for day in range(FIRST_DAY, FIRST_DAY + 80):
        upto = cut(grid, day - FIRST_DAY + 1)
        today = worklist(upto, residents, RULES, from_day=day, open_before=frozenset(opened))
        for each in today:
            change = opened.add if each.event == "opened" else opened.remove
            change((each.resident, each.rule_id))
        by_day += today
    assert by_day == every


def cut(grid: Grid, days: int) -> Grid:
    """Return the first days of a grid of pressures."""
    assert grid.pressure is not None
    assert grid.systolic_trend and grid.systolic_level and grid.diastolic_level
    whole = grid.pressure
    parts = [
        replace(
            part,
            count=part.count[:, :days],
            systolic=part.systolic[:, :days],
            diastolic=part.diastolic[:, :days],
        )
        for part in (whole.morning, whole.evening)
    ]
    names = type(grid.systolic_trend).__slots__
    return replace(
        grid,
        days=days,
        pressure=replace(whole, morning=parts[0], evening=parts[1]),
        systolic_trend=type(grid.systolic_trend)(
            **{name: getattr(grid.systolic_trend, name)[:, :days] for name in names}
        ),
        systolic_level=level.LevelNumbers(
            grid.systolic_level.level[:, :days], grid.systolic_level.sd[:, :days]
        ),
        diastolic_level=level.LevelNumbers(
            grid.diastolic_level.level[:, :days], grid.diastolic_level.sd[:, :days]
        ),
    )


def with_form(rule_id: str, **changed: Any) -> RuleSet:
    rule = RULES.rule(rule_id)
    return replace(RULES, rules=(replace(rule, form=replace(rule.form, **changed)),))


def test_rules_that_the_days_cannot_answer_are_named_and_left_out() -> None:
    assert unanswered(RULES) == ()
    pulse = Limit("pulse", "ge", {"bpm": 100.0})
    for asked in (
        with_form("BP-06", any=(pulse,)),
        with_form("BP-06", contexts=frozenset({"standing"})),
        with_form("GL-09", contexts=frozenset({"bedtime"})),
        with_form("GL-09", part="morning"),
        with_form("BP-18", any=(pulse,)),
        with_form("BP-09", signal="diastolic"),
    ):
        assert unanswered(asked) == (asked.rules[0].id,)
        assert worklist(grid_of([steady(170, 100, 8)]), [MIDDLE_AGED], asked) == []


def test_windows() -> None:
    seen = np.array([[True, False, True, *[False] * 28, True]])
    assert over(seen, 2)[0, :4].tolist() == [1, 1, 1, 1]
    assert np.flatnonzero(series_begin(seen)[0]).tolist() == [0, 31]
    assert days_since(np.array([[False, True, False, False, True]])).tolist() == [[-1, 0, 1, 2, 0]]
