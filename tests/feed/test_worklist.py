"""The worklist over HTTP: what it shows and in which order, what settles an entry and what not."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fix_feed import Town

from yikao_alerts.feed.users import hash_password

OWN = {"sec-fetch-site": "same-origin"}
PASSWORD = "a long sentence nobody guesses"
MEAN = {
    "what": "mean",
    "values": {"systolic": 141.2, "diastolic": 84.0},
    "unit": "mmHg",
    "days": 7,
    "readings": 14,
    "reading_days": 6,
    "part": "all",
    "limit": {"systolic": 135, "diastolic": 85},
}
DAY = timedelta(days=1)


@pytest.fixture
def doctor(feed_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=feed_url, headers=OWN, follow_redirects=True) as client:
        yield client


def stored(town: Town) -> list[Any]:
    return town.run(
        "SELECT closed_why, done_by, snoozed_until, snoozed_by, snooze_reason FROM worklist_entry"
    )


def test_an_entry_says_who_which_rule_since_when_and_why(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.label("r-01", "yellow", {"code": "level_high", "p": 0.91, "limit": 135.0})
    number = town.entry("r-01", "BP-06", MEAN, ago=3 * DAY)
    shown = doctor.get("/worklist").text
    for part in (
        "张秀英",
        "BP-06",
        "已 3 天",
        "7 天平均 141.2/84 mmHg（14 次、6 天），界值 135/85",
        "黄 · 本周关注",
        "血压水平达到 135 mmHg 的可能性为 91\u00a0%",
        f'href="/worklist/{number}"',
    ):
        assert part in shown, part
    shown = doctor.get(f"/worklist/{number}").text
    for part in (
        "标记为已处理",
        "推迟天数（1–14）",
        "收缩压 ≥ 135 mmHg",
        "证据等级",
        "V：数值见于",
    ):
        assert part in shown, part
    doctor.cookies.set("language", "en")
    shown = doctor.get("/worklist").text
    assert "7-day mean 141.2/84 mmHg (14 readings on 6 days), limit 135/85" in shown


def test_today_comes_before_the_week_and_the_oldest_first(town: Town, doctor: httpx.Client) -> None:
    for code, name in (("r-01", "甲"), ("r-02", "乙"), ("r-03", "丙")):
        town.resident(code, name)
    town.entry("r-01", "BP-06", MEAN, ago=2 * DAY)
    town.entry("r-02", "BP-06", MEAN, ago=9 * DAY)
    town.entry("r-03", "BP-07", MEAN, severity="today", ago=DAY)
    names = re.findall(r"<h3 id=\"entry-\d+\">(.)</h3>", doctor.get("/worklist").text)
    assert names == ["丙", "乙", "甲"]


def test_evidence_of_a_kind_nobody_knows_is_shown_as_it_stands(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    town.entry("r-01", "XX-99", {"what": "new", "strange": 3.25, "values": {"a": 1}})
    town.entry("r-01", "BP-06", {"what": "mean", "days": 7})
    shown = doctor.get("/worklist").text
    for part in ("XX-99", "strange 3.2", "values a 1", "days 7"):
        assert part in shown


def test_what_is_for_information_is_on_the_residents_page_alone(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    town.entry("r-01", "BP-18", MEAN, severity="info")
    assert "entry-go-" not in doctor.get("/worklist").text
    assert "count" not in doctor.get("/worklist/count").text
    assert "日间变异大" in doctor.get("/residents/r-01").text


def test_done_takes_it_from_the_list_and_says_who(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    number = town.entry("r-01", "BP-06", MEAN)
    shown = doctor.post(f"/worklist/{number}/done", data={"doctor": "wang"}).text
    assert "已完成，从清单中移除" in shown
    assert "王医生 完成" in shown
    assert "entry-go-" not in shown
    assert stored(town) == [("done", "wang", None, None, None)]
    again = doctor.post(f"/worklist/{number}/done", data={"doctor": "li"}).text
    assert "没有改动" in again
    assert stored(town) == [("done", "wang", None, None, None)]
    assert "王医生 完成" in doctor.get(f"/worklist/{number}").text


def test_put_off_hides_it_until_then_with_the_reason(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    number = town.entry("r-01", "BP-06", MEAN)
    form = {"doctor": "li", "days": "5", "reason": "下周门诊"}
    shown = doctor.post(f"/worklist/{number}/put-off", data=form).text
    assert "已推迟" in shown
    assert "李医生：下周门诊" in shown
    ((_, _, until, by, why),) = stored(town)
    assert (by, why) == ("li", "下周门诊")
    assert timedelta(days=4.9) < until - town.now < timedelta(days=5.1)
    assert 'class="count"' not in doctor.get("/worklist/count").text
    town.run("UPDATE worklist_entry SET snoozed_until = %(now)s - interval '1 hour'")
    assert '<span class="count">1</span>' in doctor.get("/worklist/count").text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"doctor": "wang", "days": "0", "reason": "x"}, "1 至 14 天"),
        ({"doctor": "wang", "days": "15", "reason": "x"}, "1 至 14 天"),
        ({"doctor": "wang", "days": "7", "reason": "  "}, "请写明原因"),
        ({"doctor": "wang", "days": "7", "reason": "长" * 201}, "请写明原因"),
        ({"doctor": "", "days": "7", "reason": "x"}, "请选择处理医生"),
        ({"doctor": "chen", "days": "7", "reason": "x"}, "请选择处理医生"),
        ({"doctor": "wang", "days": "soon", "reason": "x"}, "没有改动"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_and_changes_nothing(
    town: Town, doctor: httpx.Client, form: dict[str, str], said: str
) -> None:
    town.resident("r-01", "张秀英")
    number = town.entry("r-01", "BP-06", MEAN)
    assert said in doctor.post(f"/worklist/{number}/put-off", data=form).text
    assert stored(town) == [(None, None, None, None, None)]


def test_an_empty_list_says_what_it_means(town: Town, doctor: httpx.Client) -> None:
    assert "还没有登记居民" in doctor.get("/worklist").text
    town.resident("r-01", "张秀英")
    assert "每日判断还没有运行过" in doctor.get("/worklist").text
    town.close_day("r-01")
    shown = doctor.get("/worklist").text
    assert "没有需要本周处理的情况" in shown
    town.resident("r-02", "李建国")
    shown = doctor.get("/worklist").text
    assert "不代表没有情况" in shown
    assert "2 位居民中只有 1 位" in shown
    town.close_day("r-02")
    town.run("UPDATE daily_progress SET closed_until = %(now)s - interval '2 days'")
    assert "不代表没有情况" in doctor.get("/worklist").text


def test_a_list_that_is_not_complete_says_so(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李建国")
    town.close_day("r-01")
    town.entry("r-01", "BP-06", MEAN)
    assert "2 位居民中 1 位已完成昨日判断" in doctor.get("/worklist").text


def test_a_signed_in_doctor_sees_the_own_residents_then_the_team(
    town: Town, feed_with_users: Callable[[str], str]
) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李建国")
    town.resident("r-03", "周美华", team="south")
    town.run("UPDATE resident SET doctor_id = 'li' WHERE code = 'r-02'")
    own, theirs, other = (town.entry(f"r-0{n}", "BP-06", MEAN) for n in (1, 2, 3))
    url = feed_with_users(f"wang:{hash_password(PASSWORD)}\n")
    with httpx.Client(
        base_url=url, auth=("wang", PASSWORD), headers=OWN, follow_redirects=True
    ) as wang:
        shown = wang.get("/worklist").text
        assert "张秀英" in shown
        assert "李建国" not in shown
        assert '<span class="count">1</span>' in wang.get("/worklist/count").text
        shown = wang.get("/worklist?whose=team").text
        assert "李建国" in shown
        assert "周美华" not in shown
        assert wang.get(f"/worklist/{other}").status_code == 404
        assert wang.post(f"/worklist/{other}/done").status_code == 404
        assert "以 王医生 的身份" in wang.get(f"/worklist/{own}").text
        wang.post(f"/worklist/{theirs}/done", data={"doctor": "li"})
    done = town.run("SELECT entry_id, done_by FROM worklist_entry WHERE closed_at IS NOT NULL")
    assert done == [(theirs, "wang")]
    assert httpx.get(url + "/worklist").status_code == 401


def test_a_foreign_page_settles_nothing(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    number = town.entry("r-01", "BP-06", MEAN)
    for path in ("done", "put-off"):
        form = {"doctor": "wang", "days": "3", "reason": "x"}
        evil = {"sec-fetch-site": "cross-site"}
        shown = httpx.post(f"{feed_url}/worklist/{number}/{path}", data=form, headers=evil)
        assert shown.status_code == 403
    assert stored(town) == [(None, None, None, None, None)]


def test_the_live_part_is_sent_only_when_it_says_something_new(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    town.entry("r-01", "BP-06", MEAN)
    shown = doctor.get("/worklist").text
    found = re.search(r'hx-get="(/live/[^"]+)".*?name="seen" value="(\w+)"', shown)
    assert found is not None
    address, token = found.groups()
    assert doctor.get(address, params={"whose": "mine", "seen": token}).status_code == 204
    town.entry("r-01", "BP-09", {"what": "silence", "days": 8})
    assert "从未有读数，已 8 天" in doctor.get(address, params={"seen": token}).text


def test_the_record_behind_an_entry_is_named(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.red("r-01")
    number = town.entry("r-01", "BP-06", MEAN)
    town.run("UPDATE worklist_entry SET decision_id = (SELECT max(decision_id) FROM decision)")
    ((hashed,),) = town.run(
        "SELECT encode(hash, 'hex') FROM decision ORDER BY decision_id DESC LIMIT 1"
    )
    assert hashed in doctor.get(f"/worklist/{number}").text
