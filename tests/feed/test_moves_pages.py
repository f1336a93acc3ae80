"""What a doctor does with an alert in the feed and on the phone: taken, handed over, put back."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fix_feed import Town
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.answer import Bar
from yikao_alerts.feed.hops_view import HOPS, hops_of, span
from yikao_alerts.feed.routes_moves import SAID
from yikao_alerts.feed.rows import HopsRow
from yikao_alerts.feed.words import LANGUAGES, load_words

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
times = st.none() | st.datetimes(NOON.replace(tzinfo=None), timezones=st.just(UTC))


@pytest.fixture
def doctor(feed_url: str) -> Iterator[httpx.Client]:
    own = {"sec-fetch-site": "same-origin"}
    with httpx.Client(base_url=feed_url, headers=own, follow_redirects=True) as client:
        yield client


@pytest.fixture
def alert(town: Town) -> int:
    town.resident("r-01", "张秀英")
    return town.red("r-01")


def test_taken_first_and_told_later(town: Town, doctor: httpx.Client, alert: int) -> None:
    page = doctor.post(f"/episodes/{alert}/take", data={"doctor": "wang"}).text
    feed = doctor.get("/").text
    assert "已接手，待填写结果" in feed
    assert "已由 王医生" in feed
    assert not re.search(r"已由 王医生 \d\d:\d\d 处理", feed), "nothing was done yet"
    assert "已由您接手" in page
    assert "处理结果" in page
    town.evaluate()
    done = {"doctor": "wang", "disposition": "called"}
    page = doctor.post(f"/episodes/{alert}/answer", data=done).text
    assert "已由 王医生" in page
    second = doctor.post(f"/episodes/{alert}/take", data={"doctor": "li"}).text
    assert "已有医生处理" in second
    states = town.run("SELECT disposition, answered_by FROM episode")
    assert states == [("called", "wang")]


def test_handed_over_and_put_back(town: Town, doctor: httpx.Client, alert: int) -> None:
    page = doctor.post(f"/episodes/{alert}/hand-over", data={"doctor": "wang", "to": "li"}).text
    assert "已转交 李医生" in page
    assert (
        "不能转交"
        in doctor.post(f"/episodes/{alert}/hand-over", data={"doctor": "wang", "to": "chen"}).text
    )
    doctor.post(f"/episodes/{alert}/take", data={"doctor": "li"})
    page = doctor.post(f"/episodes/{alert}/put-back", data={"doctor": "wang"}).text
    assert "正在重新呼叫" in page
    assert town.run("SELECT state, round FROM episode") == [("open", 3)]


def test_red_is_not_silenced_whatever_the_form_says(
    town: Town, doctor: httpx.Client, alert: int
) -> None:
    assert "/snooze" not in doctor.get(f"/episodes/{alert}").text
    form = {"doctor": "wang", "days": "1", "reason": "why"}
    assert "红色告警不能静默" in doctor.post(f"/episodes/{alert}/snooze", data=form).text
    for days in ("0", "-1", "999999999999", "x"):
        assert doctor.post(f"/episodes/{alert}/snooze", data=form | {"days": days}).is_error
    assert town.run("SELECT count(*) FROM episode_event WHERE event = 'snoozed'") == [(0,)]


def test_the_link_takes_it_and_then_asks_what_was_done(
    town: Town, doctor: httpx.Client, alert: int
) -> None:
    link = town.link_of(alert)
    assert "我来处理" in doctor.get(link).text
    page = doctor.post(f"{link}/take").text
    assert "已由您" in page
    assert 'name="disposition"' in page
    doctor.post(link, data={"disposition": "visit"})
    assert town.run("SELECT answered_by, disposition FROM episode") == [("wang", "visit")]


def test_the_way_of_an_alert_is_shown(doctor: httpx.Client, alert: int) -> None:
    page = doctor.get(f"/episodes/{alert}").text
    for word in ("测量", "服务器收到并保存", "作出判断", "生成呼叫"):
        assert word in page


def test_what_was_said_of_a_rule_is_in_the_ledger(
    town: Town, doctor: httpx.Client, alert: int
) -> None:
    doctor.post(f"/episodes/{alert}/answer", data={"doctor": "wang", "disposition": "false_alarm"})
    assert "各规则的真实告警率" in doctor.get("/workload").text
    table = doctor.get("/workload/rules.csv").text.splitlines()
    assert table[1].startswith("BP-03,1,1,0,1,0,0.000,")
    assert town.run("SELECT count(*) FROM episode") == [(1,)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_can_be_said_has_words(language: str) -> None:
    texts = load_words(language).texts
    assert {f"said.{code}" for code in SAID} <= set(texts)
    assert {f"hop.{name.removesuffix('_at')}" for name in HOPS} <= set(texts)
    assert {f"bar_{bar}" for bar in Bar} <= set(SAID)


@given(st.tuples(*[times] * len(HOPS)))
def test_hops_are_in_order_and_never_take_negative_time(
    at: tuple[datetime | None, ...],
) -> None:
    row = HopsRow(*at)
    hops = hops_of(row)
    assert [hop.at for hop in hops] == [each for each in at if each is not None]
    assert all(hop.after is None or hop.after >= timedelta(0) for hop in hops)
    assert not hops or hops[0].after is None


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.04, "0.0 s"), (1.26, "1.3 s"), (75, "1 min 15 s"), (3720, "1 h 2 min")],
)
def test_how_long_a_hop_took(seconds: float, told: str) -> None:
    assert span(load_words("en"), timedelta(seconds=seconds)) == told
