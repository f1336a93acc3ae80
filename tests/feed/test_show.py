"""How readings, times, charts and bytes are written."""

from datetime import timedelta

import pytest
from feed_parts import NOW, ZONE, glucose, minutes, reading

from yikao_alerts.feed import show
from yikao_alerts.feed.chart import chart_of
from yikao_alerts.feed.operations_view import gateways_of, quarantined, readable
from yikao_alerts.feed.resident_view import days_of, latest_of, mean_of
from yikao_alerts.feed.rows import GatewayRow, QuarantineRow
from yikao_alerts.feed.words import load_words

ZH, EN = load_words("zh"), load_words("en")
DAY = timedelta(days=1)


def test_a_reading_is_shown_in_the_devices_own_unit() -> None:
    kpa = reading(unit="kPa", systolic_kpa=24.8, diastolic_kpa=14.9, systolic_mmhg=186.0)
    assert show.value_of(reading(), "mmHg", ()) == show.Value("128/78", "mmHg", "", "70")
    assert show.value_of(kpa, "kPa", ()) == show.Value("24.8/14.9", "kPa", "186/78 mmHg", "70")
    mg_dl = glucose(16.65, unit="mg/dL", glucose_mg_dl=300)
    assert show.value_of(mg_dl, "mg/dL", ()) == show.Value("300", "mg/dL", "16.6 mmol/L")
    assert show.value_of(glucose(3.6), "mmol/L", ()) == show.Value("3.6", "mmol/L")


def test_a_meter_without_a_number_is_quoted_and_never_zero() -> None:
    assert show.value_of(glucose(None), "mmol/L", ("lo",)) == show.Value("LO", "mmol/L")
    assert show.value_of(glucose(None), "mmol/L", ()) == show.Value("—", "")


def test_times_carry_the_weekday_in_the_teams_zone() -> None:
    assert show.moment(ZH, NOW, ZONE) == "3月2日 周一 22:10"
    assert show.moment(EN, NOW, ZONE) == "Mon 2 Mar, 22:10"


def test_names_and_addresses_are_covered() -> None:
    assert show.masked_name("张秀英") == "张**"
    assert show.masked_address("13812345678") == "…5678"
    assert show.person(ZH, 1944, "f", NOW) == "82 岁 · 女"
    assert show.person(EN, None, None, NOW) == ""


def test_each_pressure_is_drawn_against_its_own_limit() -> None:
    rows = [reading(systolic_mmhg=134, diastolic_mmhg=85), reading(systolic_mmhg=135)]
    chart = chart_of("blood_pressure", rows, NOW, ZONE, (400, 200))
    assert chart is not None
    beyond = [tuple(dot.beyond for dot in mark.dots) for mark in chart.marks]
    assert beyond == [(False, True), (True, False)]
    assert [tick.label for tick in chart.ticks][-1] == "2"


def test_a_chart_keeps_every_reading_inside_it() -> None:
    rows = [reading(systolic_mmhg=260, diastolic_mmhg=35, time=NOW - 13 * DAY), reading()]
    chart = chart_of("blood_pressure", rows, NOW, ZONE, (400, 200))
    assert chart is not None
    assert len(chart.marks) == 2
    for mark in chart.marks:
        assert chart.left <= mark.x <= 400 - chart.right
        assert all(0 < dot.y < 200 for dot in mark.dots)


@pytest.mark.parametrize("rows", [[], [glucose(5.0)], [reading(time=NOW - 29 * DAY)]])
def test_no_reading_is_no_chart(rows: list[object]) -> None:
    assert chart_of("blood_pressure", rows, NOW, ZONE, (400, 200)) is None  # type: ignore[arg-type]


def test_a_mean_needs_enough_readings_and_says_how_many() -> None:
    rows = [reading(time=NOW - n * DAY / 2 - minutes(1)) for n in range(12)]
    assert mean_of(rows, NOW, ZONE).text == "128/78"
    few = mean_of(rows[:11], NOW, ZONE)
    assert (few.text, few.readings) == (None, 11)
    one_day = [reading(time=NOW - minutes(n)) for n in range(20)]
    assert mean_of(one_day, NOW, ZONE).text is None


def test_readings_are_grouped_by_the_teams_day() -> None:
    late = reading(time=NOW + timedelta(hours=2))
    days = days_of([late, reading()], ZH, ZONE)
    assert [day.label for day in days] == ["3月3日 周二", "3月2日 周一"]
    assert [shown.row for shown in latest_of([late, reading(), glucose(5.0)])] == [
        late,
        glucose(5.0),
    ]


def test_bytes_are_text_where_they_are_text() -> None:
    assert readable('{"x": "血压"}'.encode()) == '{"x": "血压"}'
    assert readable(b"\x00\x01\xff") == "0001ff"
    assert readable(b"a\x1bb") == "611b62"


def test_cut_and_hidden_content_says_so() -> None:
    row = QuarantineRow(1, NOW, "gw", "t", "future", "d", None, b"ab", 9, None)
    assert quarantined(row).cut
    hidden = QuarantineRow(1, NOW, "gw", "t", "future", "d", None, None, 9, None)
    assert quarantined(hidden).content is None


def test_gateways_that_need_somebody_come_first() -> None:
    rows = [
        GatewayRow("well", True, NOW, 0, "1"),
        GatewayRow("never", None, None, None, None),
        GatewayRow("silent", True, NOW - minutes(16), 0, "1"),
        GatewayRow("gone", False, NOW, 0, "1"),
    ]
    shown = gateways_of(rows, NOW, minutes(15))
    states = [(gateway.row.gateway_id, gateway.state) for gateway in shown]
    assert states == [
        ("gone", "offline"),
        ("silent", "silent"),
        ("never", "unknown"),
        ("well", "online"),
    ]
