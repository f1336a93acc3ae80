"""What detection says, as pure functions: sentences, labels, forms, curves, figures."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from feed_parts import NOW, ZONE, reading

from yikao_alerts.feed.burden_view import burdens_of
from yikao_alerts.feed.care_rows import (
    BurdenRow,
    LabelRow,
    OverrideRow,
    PressureRow,
    ProfileRow,
    ShadowRow,
)
from yikao_alerts.feed.care_writes import ProfileSet
from yikao_alerts.feed.chart import Happening, Over, chart_of
from yikao_alerts.feed.curves import curves_of, drift_of
from yikao_alerts.feed.label_view import changes_of, override_at, standing_of
from yikao_alerts.feed.profile_view import (
    BOUNDS,
    entered_of,
    home_band,
    parse_profile,
    resident_of,
    targets_of,
)
from yikao_alerts.feed.reasons import reason_of
from yikao_alerts.feed.resident_view import part_of, week_of
from yikao_alerts.feed.rules_view import count_of, groups_of, templates_of
from yikao_alerts.feed.words import load_words
from yikao_alerts.resident import GROUPS, OPTIONS, TARGETS
from yikao_alerts.rules import load_rules

ZH, EN = load_words("zh"), load_words("en")
RULES = load_rules()
DAY = timedelta(days=1)
TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (
            {
                "what": "change",
                "shift": -9.2,
                "unit": "mmHg",
                "baseline": 131.5,
                "since": "2026-02-03",
                "reading_days": 9,
            },
            "9.2 mmHg below the own usual since Tue 3 Feb (usual 131.5, 9 days with readings)",
        ),
        (
            {
                "what": "mean",
                "values": {"diastolic": 82.0, "systolic": 139.44},
                "unit": "mmHg",
                "days": 7,
                "readings": 14,
                "reading_days": 7,
                "part": "morning",
                "limit": {"systolic": 135.0, "diastolic": 85.0},
            },
            "7-day morning mean 139.4/82 mmHg (14 readings on 7 days), limit 135/85",
        ),
        ({"what": "silence", "days": 9}, "no reading ever, for 9 days"),
        (
            {"what": "silence", "days": 9, "last_at": "2026-02-21T14:10:00+00:00"},
            "no reading for 9 days, the last Sat 21 Feb, 22:10",
        ),
        ({"what": "next_day_visit", "episode_id": 7}, "Visit on the day after alert #7: "),
        (
            {
                "what": "count",
                "count": 2,
                "readings": [
                    {"at": at.isoformat(), "values": {"glucose": 3.6}, "unit": "mmol/L"}
                    for at in (NOW - DAY, NOW)
                ],
            },
            "2 readings: Mon 2 Mar, 22:10 3.6 mmol/L; Sun 1 Mar, 22:10 3.6 mmol/L",
        ),
        (
            {
                "what": "silence",
                "days": 9,
                "last_day": "2026-02-21",
                "cause": "gateway",
                "owner": "operator",
            },
            "no reading for 9 days, the last Sat 21 Feb; the gateway is not online; for the op",
        ),
        ({"what": "change", "shift": "much"}, "shift much"),
        ({"what": "tomorrow's", "true": True, "list": [1, 2.5]}, "true true · list 1, 2.5"),
        ({}, ""),
    ],
)
def test_evidence_is_one_sentence(evidence: dict[str, Any], said: str) -> None:
    assert reason_of(EN, evidence, ZONE).startswith(said)
    assert "{" not in reason_of(ZH, evidence, ZONE)


@pytest.mark.parametrize(
    ("label", "own", "shown", "shape"),
    [
        ("red", None, "red", "red"),
        ("green", None, "green", "well"),
        ("blue", None, "blue", "empty"),
        ("mauve", None, "grey", "grey"),
        (None, None, "grey", "grey"),
        ("red", "green", "green", "well"),
    ],
)
def test_a_label_is_a_word_and_a_shape_and_grey_when_unknown(
    label: str | None, own: str | None, shown: str, shape: str
) -> None:
    standing = standing_of(label, [], own, EN, RULES)
    assert (standing.label, standing.shape) == (shown, shape)
    assert standing.word.lower().startswith(shown)
    assert standing.by_person is (own is not None)
    assert bool(standing.reasons) is (label is None), "not yet labelled is a reason of its own"


def test_label_reasons_carry_their_numbers_and_the_rules_name() -> None:
    reasons = [
        {"code": "open_today", "rule_id": "BP-07"},
        {"code": "level_high", "p": 0.914, "level": 139.6, "limit": 135.0},
        {"code": "of_tomorrow", "n": 2},
        {"code": "silent"},
    ]
    said = standing_of("red", reasons, None, EN, RULES).reasons
    assert said[0] == f"open alert for today: {RULES.rule('BP-07').name_en}"
    assert said[1] == "91\u00a0% likely that the pressure level reaches 135 mmHg"
    assert said[2:] == ("code of_tomorrow · n 2", "code silent")


def test_a_persons_word_stands_until_it_expires_and_only_the_newest() -> None:
    word = OverrideRow("green", "phoned", NOW - DAY, NOW + DAY, "王医生")
    ended = replace(word, set_at=NOW, expires_at=NOW)
    assert override_at([word], NOW) is word
    assert override_at([word], NOW + DAY) is None
    assert override_at([ended, word], NOW) is None
    labels = [
        LabelRow(NOW - 2 * DAY, "red", [], "1"),
        LabelRow(NOW - timedelta(hours=1), "x", [], "1"),
    ]
    changes = changes_of(labels, [word], ZH, RULES)
    assert [change.standing.label for change in changes] == ["grey", "green", "red"]
    assert [change.person for change in changes] == [None, word, None]


def parsed(*groups: str, options: tuple[str, ...] = (), **fields: str) -> Any:
    return parse_profile(fields, groups, options, EN)


def test_a_form_without_fault_is_what_will_be_set() -> None:
    assert parsed(
        "insulin",
        "diabetes",
        options=("health_good",),
        target_systolic_mmhg=" 140 ",
        target_diastolic_mmhg="85",
        target_fasting_mmol_l="7,2",
        note=" by phone ",
    ) == ProfileSet(
        ["diabetes", "insulin"],
        {
            "target_systolic_mmhg": 140,
            "target_diastolic_mmhg": 85,
            "target_fasting_mmol_l": 7.2,
        },
        ["health_good"],
        "by phone",
    )


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"target_systolic_mmhg": "99"}, "home systolic target: 99 is outside 100–180 mmHg"),
        ({"target_systolic_mmhg": "180.5"}, "outside"),
        ({"target_systolic_mmhg": "nan"}, "outside"),
        ({"target_systolic_mmhg": "inf"}, "outside"),
        ({"target_systolic_mmhg": "13o"}, "write a number"),
        ({"target_systolic_mmhg": "100", "target_diastolic_mmhg": "90"}, "at least 20 mmHg above"),
        ({"spo2_min_pct": "96"}, "80–95 %"),
        ({"note": "x" * 301}, "at most 300 letters"),
    ],
)
def test_each_fault_of_a_form_is_told(fields: dict[str, str], fault: str) -> None:
    (said,) = parsed(**fields)
    assert fault in said


def test_all_faults_are_told_at_once() -> None:
    faults = parsed(
        "insulin",
        "tall",
        options=("health_good", "health_poor", "fast"),
        target_fasting_mmol_l="70",
    )
    assert len(faults) == 5


def test_bounds_and_words_cover_every_target() -> None:
    assert BOUNDS.keys() == TARGETS.keys()
    assert all(bound.low < bound.high for bound in BOUNDS.values())
    assert "pregnant" in GROUPS
    assert "health_good" in OPTIONS
    for template in RULES.templates:
        for code, value in template.targets.items():
            assert BOUNDS[code].low <= value <= BOUNDS[code].high, "a default could not be typed"


def test_each_target_says_where_it_comes_from() -> None:
    row = ProfileRow(3, NOW, ["copd"], {"target_systolic_mmhg": 140.0}, [], "", "王医生")
    person = resident_of(1940, "f", row)
    shown = {target.code: target for target in targets_of(person, RULES, TODAY, EN)}
    assert shown["target_systolic_mmhg"].by_doctor
    assert not shown["target_diastolic_mmhg"].by_doctor
    assert shown["target_diastolic_mmhg"].template == "80 years and above, or frail"
    assert (shown["spo2_min_pct"].value, shown["spo2_min_pct"].unit) == ("87", "%")
    assert home_band(person, RULES, TODAY) == (90, 140)
    assert home_band(resident_of(None, None, None), RULES, TODAY) is None
    assert entered_of(row).fields == {"target_systolic_mmhg": "140"}
    assert entered_of(None).based_on == ""


def pressures(days: int, systolic: float = 130, *, each: float = 0.0) -> list[PressureRow]:
    """Two readings each morning and evening; `each` is added per day towards now."""
    return [
        PressureRow(
            NOW - n * DAY - timedelta(hours=hours, minutes=minute),
            systolic + each * (days - n),
            80,
            70,
        )
        for n in range(days, 0, -1)
        for hours in (14, 1)
        for minute in (2, 0)
    ]


def test_curves_end_today_and_are_what_the_readings_are() -> None:
    curves = curves_of(pressures(40), NOW, ZONE)
    assert curves.mean7[TODAY] == pytest.approx(130)
    assert curves.level[TODAY] == pytest.approx(130, abs=3)
    assert curves.baseline[TODAY] == pytest.approx(130, abs=4)
    assert min(curves.baseline) > min(curves.level), "the own usual has to be learned first"
    assert curves_of([], NOW, ZONE).mean7 == {}


def test_a_mean_of_too_few_is_a_gap() -> None:
    few = [row for n, row in enumerate(pressures(30)) if n % 3 == 0][:8]
    assert curves_of(few, NOW, ZONE).mean7 == {}


def test_a_slope_is_called_one_only_when_it_is() -> None:
    rising = drift_of(pressures(28, each=0.5), NOW)
    assert rising is not None
    assert (round(rising.per_week, 1), rising.real) == (3.5, True)
    level = drift_of(pressures(28), NOW)
    assert level is not None
    assert not level.real
    assert drift_of(pressures(2), NOW) is None


def test_a_chart_has_curves_with_gaps_and_marks_of_one_day_together() -> None:
    rows = [reading(time=NOW - n * DAY) for n in range(10)]
    values = {TODAY - n * DAY: 130.0 + n for n in (0, 1, 3)}
    happenings = [
        Happening(NOW - DAY, "finding", "a"),
        Happening(NOW - DAY, "finding", "a"),
        Happening(NOW - DAY, "finding", "b"),
        Happening(NOW - DAY, "device", "UA-651BLE"),
        Happening(NOW - 60 * DAY, "finding", "long ago"),
    ]
    over = Over({"mean7": values, "level": {}}, happenings)
    chart = chart_of("blood_pressure", rows, NOW, ZONE, (800, 300), over=over, band=(85, 145))
    assert chart is not None
    (curve,) = chart.curves
    assert curve.path.count("M") == 2
    assert [(flag.what, flag.title) for flag in chart.flags] == [
        ("device", "03-01 UA-651BLE"),
        ("finding", "03-01 a, b"),
    ]
    assert [line.label for line in chart.lines] == ["85", "145", "180"]
    assert not chart.marks[0].morning, "22:10"
    narrow = chart_of("blood_pressure", rows, NOW, ZONE, (300, 200), days=14)
    assert narrow is not None
    assert len(narrow.marks) == 10
    assert 4 <= len(narrow.ticks) <= 14


def test_an_evening_ends_at_four_in_the_morning() -> None:
    at = NOW.replace(hour=19, minute=59)
    assert part_of(at, ZONE) == (TODAY, False), "03:59 next day"
    assert part_of(at + timedelta(minutes=1), ZONE) == (TODAY + DAY, True)
    rows = [reading(time=NOW.replace(hour=1), systolic_mmhg=150), reading(systolic_mmhg=120)]
    today, *others = week_of(rows, NOW, ZONE, ZH, (85, 135))
    assert today.morning is not None
    assert today.evening is not None
    assert (today.morning.text, today.morning.beyond) == ("150/78", True)
    assert (today.evening.text, today.evening.beyond) == ("120/78", False)
    assert all(day.morning is None and day.evening is None for day in others)


def test_every_rule_is_told_in_both_languages() -> None:
    for words in (ZH, EN):
        groups = groups_of(RULES, words)
        assert count_of(groups) == len({rule.id.rstrip("b") for rule in RULES.rules}) == 51
        codes = [group.code for group in groups]
        assert codes == ["BP", "PR", "GL", "WT", "SP", "TP", "HELP", "DQ"]
        assert all(words(f"rule_group.{code}") for code in codes)
        for group in groups:
            for entry in group.entries:
                assert entry.name
                assert entry.source
                for part in entry.parts:
                    told = (part.limits, part.who, part.confirm, part.ends, *part.changes)
                    assert all(told), entry.id
                    assert "{" not in "".join(told), entry.id
        templates = templates_of(RULES, words)
        assert len(templates) == len(RULES.templates)
        numbers = [
            part for line in templates for part in line.targets.split(words("list.semicolon"))
        ]
        assert all(part.endswith((" mmHg", " mmol/L", " %")) for part in numbers)


def test_burden_is_per_hundred_patient_weeks() -> None:
    team = BurdenRow("north", "城北", 50, 3, 8, 20, 6, 5)
    shadow = ShadowRow("north", "digest", "cn-2027", 1, 0, 2)
    (burden,) = burdens_of([team], [shadow, replace(shadow, team_id="south")], 4)
    assert [rate.rate for rate in burden.rates] == ["1.5", "4.0", "10.0"]
    assert burden.true_pct == "83 %"
    (trial,) = burden.trials
    assert [rate.rate for rate in trial.rates] == ["0.5", "0.0", "1.0"]
    (empty,) = burdens_of([replace(team, residents=0, judged=0)], [], 4)
    assert (empty.rates[0].rate, empty.true_pct) == (None, None)
