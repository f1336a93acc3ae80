"""Weight, temperature, oxygen and heart rate on a resident's page, and nowhere else in the feed."""

from datetime import timedelta

import httpx
import pytest
from feed_parts import NOW, reading
from fix_feed import NOTED, Town

from yikao_alerts.feed import show
from yikao_alerts.feed.care_rows import ConflictRow
from yikao_alerts.feed.doubt_view import conflicts_of
from yikao_alerts.feed.resident_view import latest_of
from yikao_alerts.feed.rows import ReadingRow
from yikao_alerts.feed.store import READINGS_MAX, VITALS_MAX

DAY = timedelta(days=1)
VITAL = (
    NOTED
    + """
INSERT INTO reading (patient_id, device_id, time, kind, weight_kg, weight_lb, temperature_c,
    temperature_f, spo2_pct, pulse_bpm, unit, flags, doubt_s, hub_time, received_at, place)
SELECT patient_id, device_id, %(time)s, %(kind)s, %(kg)s, %(lb)s, %(c)s, %(f)s, %(spo2)s,
    %(pulse)s, %(unit)s, %(flags)s, 2, %(time)s, %(time)s, %(place)s FROM who
"""
)


def vital(**values: object) -> ReadingRow:
    """Return a row of another kind."""
    empty = dict.fromkeys(("systolic_mmhg", "diastolic_mmhg", "pulse_bpm"))
    return reading(**(empty | values))


def puts(town: Town, kind: str, unit: str, ago: timedelta, **values: object) -> None:
    """Store a reading of another kind."""
    facts: dict[str, object] = dict.fromkeys(("kg", "lb", "c", "f", "spo2", "pulse"))
    facts |= {"code": "r-01", "kind": kind, "unit": unit, "time": town.now - ago}
    town.run(VITAL, **(facts | {"flags": [], "place": "home"} | values))


@pytest.mark.parametrize(
    ("row", "written"),
    [
        (vital(kind="weight", unit="kg", weight_kg=62.505), show.Value("62.5", "kg")),
        (
            vital(kind="weight", unit="lb", weight_kg=62.505, weight_lb=137.8),
            show.Value("137.8", "lb", "62.5 kg"),
        ),
        (vital(kind="temperature", unit="Cel", temperature_c=36.65), show.Value("36.6", "℃")),
        (
            vital(kind="temperature", unit="[degF]", temperature_c=37.0, temperature_f=98.6),
            show.Value("98.6", "℉", "37.0 ℃"),
        ),
        (
            vital(kind="oximetry", unit="%", spo2_pct=97.0, pulse_bpm=71.0),
            show.Value("97", "%", "", "71"),
        ),
        (vital(kind="heart_rate", unit="/min", pulse_bpm=72.0), show.Value("72", "/min")),
    ],
)
def test_each_is_written_in_its_devices_unit(row: ReadingRow, written: show.Value) -> None:
    (shown,) = latest_of([row])
    assert shown.value == written
    stored: dict[str, object] = {
        "unit": row.unit,
        "flags": [],
        "weight_kg": row.weight_kg,
        "spo2_pct": row.spo2_pct,
    }
    stored |= {"weight_lb": row.weight_lb, "temperature_c": row.temperature_c}
    stored |= {"temperature_f": row.temperature_f, "pulse_bpm": row.pulse_bpm}
    (conflict,) = conflicts_of([ConflictRow(NOW, NOW, row.kind, stored, stored, None, None)])
    assert (conflict.kept, conflict.arrived) == (written, written)


def test_the_page_shows_them_and_says_that_nobody_is_called(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 128, 78, ago=2 * DAY)
    puts(town, "weight", "lb", DAY, kg=62.5, lb=137.8, place="office")
    puts(town, "temperature", "Cel", DAY, c=41.5, flags=["site_ear"])
    puts(town, "oximetry", "%", DAY, spo2=79.0, pulse=71.0, flags=["low_perfusion"])
    # A strap tells so much in two days that it would hide all else.
    rows = [(n, 70.0 + n % 9) for n in range(READINGS_MAX + VITALS_MAX)]
    for minute, pulse in rows:
        puts(town, "heart_rate", "/min", timedelta(minutes=minute + 1), pulse=pulse)
    chinese = httpx.get(f"{feed_url}/residents/r-01").text
    for part in (
        "体重",
        "137.8",
        "62.5 kg",
        "站点测量",
        "体温",
        "41.5",
        "耳内",
        "血氧饱和度",
        "79",
    ):
        assert part in chinese, part
    assert "血流灌注低" in chinese
    assert "不会因此呼叫任何人" in chinese
    assert "128/78" in chinese
    assert chinese.count('<li class="reading">') == 1 + 3 + VITALS_MAX
    english = httpx.get(f"{feed_url}/residents/r-01", cookies={"language": "en"}).text
    for part in ("Weight", "at a station", "in the ear", "Heart rate", "nobody is called for them"):
        assert part in english, part


def test_who_only_weighs_is_not_fresh(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    puts(town, "weight", "kg", timedelta(minutes=5), kg=62.5)
    before = httpx.get(feed_url).text
    town.run("DELETE FROM patient_latest")
    without = httpx.get(feed_url).text
    assert before.count("r-01") == without.count("r-01")
    town.reads("r-01", 128, 78, ago=timedelta(minutes=5))
    assert httpx.get(feed_url).text.count("r-01") < without.count("r-01")
