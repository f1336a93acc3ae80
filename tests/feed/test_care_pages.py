"""A resident's pages over HTTP: label, settings, doubted readings, the drawing, the explanation."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from fix_feed import Town

from yikao_alerts.feed.users import hash_password

OWN = {"sec-fetch-site": "same-origin"}
PASSWORD = "a long sentence nobody guesses"
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
CHANGE = {"signal": "pressure", "change": "raises", "from_day": "2026-10-01"}
PATHS = ("", "/label", "/profile", "/doubts", "/treatment")


@pytest.fixture
def doctor(feed_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=feed_url, headers=OWN, follow_redirects=True) as client:
        yield client


def measured(town: Town, code: str, days: int) -> None:
    """Two readings on each evening of the last days."""
    for n in range(1, days + 1):
        for minute in (0, 2):
            ago = n * DAY + timedelta(minutes=minute)
            town.reads(code, 138 + minute, 82, ago=ago, pulse=72)


def test_every_page_opens_in_both_languages_and_safely(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张<b>英")
    measured(town, "r-01", 20)
    town.label("r-01", "yellow", {"code": "level_high", "p": 0.9, "limit": 135.0})
    number = town.entry("r-01", "BP-06", {"what": "silence", "days": 8})
    episode = town.red("r-01")
    pages = [f"/residents/r-01{path}" for path in PATHS]
    pages += ["/worklist", f"/worklist/{number}", f"/episodes/{episode}", "/rules", "/workload"]
    for language in ("zh", "en"):
        doctor.cookies.set("language", language)
        for path in pages:
            shown = doctor.get(path)
            assert shown.status_code == 200, path
            assert "<b>" not in shown.text, path
            assert " style=" not in shown.text
            assert not re.search(r"<script(?![^>]*src=\"/static)", shown.text)
            assert "{" not in re.sub(r"(data-[\w-]+|content)=(\"[^\"]*\"|'[^']*')", "", shown.text)


def test_the_page_shows_how_the_resident_stands_and_why(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    assert "灰 · 数据不足" in doctor.get("/residents/r-01").text, "never green without a label"
    measured(town, "r-01", 20)
    town.label("r-01", "green", {"code": "enough_days", "days": 12}, ago=9 * DAY)
    town.label("r-01", "yellow", {"code": "open_this_week", "rule_id": "BP-06"})
    town.entry("r-01", "BP-06", {"what": "silence", "days": 8})
    shown = doctor.get("/residents/r-01").text
    for part in (
        "黄 · 本周关注",
        "工作清单中有：7天平均",
        'class="curve curve-mean7"',
        'class="curve curve-level"',
        'class="flag-finding"',
        "80岁及以上或衰弱",
        "145",
        "家庭目标 145/90",
    ):
        assert part in shown, part
    shown = doctor.get("/residents/r-01/label").text
    assert "绿 · 暂无待处理" in shown
    assert "28 天中 12 天有读数" in shown


def test_a_doctor_sets_the_label_for_some_days_and_takes_it_back(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    town.label("r-01", "red", {"code": "open_page_now", "rule_id": "BP-03"})
    form = {"label": "yellow", "days": "7", "reason": "已面诊", "doctor": "wang"}
    shown = doctor.post("/residents/r-01/label", data=form).text
    for part in ("状态已指定", "黄 · 本周关注", "医生指定", "王医生 指定", "规则判定为：红"):
        assert part in shown, part
    ((label, by, span),) = town.run("SELECT label, set_by, expires_at - set_at FROM label_override")
    assert (label, by, span) == ("yellow", "wang", timedelta(days=7))
    town.entry("r-01", "BP-06", {"what": "silence", "days": 8})
    assert "黄 · 本周关注 · 医生指定" in re.sub(r"\s+", " ", doctor.get("/worklist").text)
    shown = doctor.post("/residents/r-01/label", data={"days": "0", "doctor": "li"}).text
    assert "已恢复规则判定" in shown
    assert "红 · 今天处理" in shown
    assert "医生指定" not in shown
    assert "李医生 恢复规则判定" in doctor.get("/residents/r-01/label").text


@pytest.mark.parametrize(
    "change",
    [
        {"label": "mauve"},
        {"days": "400"},
        {"days": "-3"},
        {"days": "x"},
        {"reason": " "},
        {"reason": "长" * 201},
        {"doctor": ""},
        {"doctor": "chen"},
        {"days": "0"},
    ],
)
def test_a_label_that_cannot_be_set_changes_nothing(
    town: Town, doctor: httpx.Client, change: dict[str, str]
) -> None:
    town.resident("r-01", "张秀英")
    form = {"label": "red", "days": "7", "reason": "x", "doctor": "wang"} | change
    assert "没有改动" in doctor.post("/residents/r-01/label", data=form).text
    assert town.run("SELECT count(*) FROM label_override") == [(0,)]


def test_what_a_doctor_sets_is_in_force_at_once_and_dated(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.run("DELETE FROM eval_queue")
    form = {
        "groups": ["diabetes", "insulin"],
        "target_systolic_mmhg": "140",
        "target_diastolic_mmhg": "85",
        "note": "门诊讨论",
        "doctor": "wang",
        "based_on": "",
    }
    shown = doctor.post("/residents/r-01/profile", data=form).text
    for part in ("已保存", "糖尿病、使用胰岛素", "140", "由 王医生 设定"):
        assert part in shown, part
    stored = town.run("SELECT groups, targets, set_by, note FROM resident_profile")
    assert stored == [
        (
            ["diabetes", "insulin"],
            {"target_systolic_mmhg": 140, "target_diastolic_mmhg": 85},
            "wang",
            "门诊讨论",
        )
    ]
    assert town.run("SELECT count(*) FROM eval_queue") == [(1,)], "the rules look again"
    shown = doctor.get("/residents/r-01/profile").text
    assert 'value="140"' in shown
    assert "家庭收缩压目标 140 mmHg" in shown
    assert re.search(r'value="insulin" checked', shown)
    assert "门诊讨论" in shown


def test_a_change_of_treatment_is_written_down_once_and_can_be_taken_back(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    measured(town, "r-01", 3)
    page = "/residents/r-01/treatment"
    found = re.search(r'name="from_day" value="([0-9-]+)"', doctor.get(page).text)
    assert found is not None
    today = date.fromisoformat(found.group(1))
    town.run(
        "INSERT INTO daily_progress (patient_id, days_through, through_day, closed_until)"
        " SELECT patient_id, %(day)s, %(day)s, %(now)s FROM resident",
        day=today,
    )
    form = {"signal": "pressure", "change": "lowers", "note": "<b>门诊</b>", "doctor": "wang"}
    form |= {"from_day": (today - 2 * DAY).isoformat()}
    shown = doctor.post(page, data=form).text
    for part in ("已记录", "开始或增加用药", "王医生", "&lt;b&gt;门诊"):
        assert part in shown, part
    ((touched,),) = town.run("SELECT touched_at FROM daily_progress")
    assert touched.astimezone(ZoneInfo("Asia/Shanghai")).date() == today - 2 * DAY
    assert "没有改动" in doctor.post(page, data=form).text, "a second click is no second change"
    for bad in (today + DAY, today - 181 * DAY):
        assert "最近 180 天" in doctor.post(page, data=form | {"from_day": bad.isoformat()}).text
    assert doctor.post(page, data=form | {"change": "dose"}).status_code == 400
    assert town.run("SELECT signal, change, set_by FROM treatment_change") == [
        ("pressure", "lowers", "wang")
    ]
    town.run("UPDATE daily_progress SET touched_at = NULL")
    ((number,),) = town.run("SELECT change_id FROM treatment_change")
    assert "已撤回" in doctor.post(f"{page}/{number}/back", data={"doctor": "wang"}).text
    assert town.run("SELECT touched_at IS NULL FROM daily_progress") == [(False,)]
    assert "没有改动" in doctor.post(f"{page}/{number}/back", data={"doctor": "li"}).text
    assert town.run("SELECT taken_back_by FROM treatment_change") == [("wang",)]


def test_an_older_page_overwrites_nothing(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    form = {"groups": ["frail"], "doctor": "wang", "based_on": ""}
    assert "已保存" in doctor.post("/residents/r-01/profile", data=form).text
    late = {"groups": ["copd"], "doctor": "li", "based_on": ""}
    assert "他人已修改设定" in doctor.post("/residents/r-01/profile", data=late).text
    assert town.run("SELECT groups FROM resident_profile") == [(["frail"],)]
    found = re.search(r'name="based_on" value="(\d+)"', doctor.get("/residents/r-01/profile").text)
    assert found is not None
    again = late | {"based_on": found.group(1)}
    assert "已保存" in doctor.post("/residents/r-01/profile", data=again).text
    assert town.run("SELECT count(*) FROM resident_profile") == [(2,)], "only added to"


def test_a_form_with_faults_comes_back_as_it_was_filled(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    form = {
        "groups": ["insulin"],
        "target_systolic_mmhg": "1400",
        "target_diastolic_mmhg": "八十",
        "note": "手误",
        "doctor": "wang",
    }
    shown = doctor.post("/residents/r-01/profile", data=form)
    assert shown.status_code == 422
    for part in (
        "没有保存",
        "1400 超出范围 100–180 mmHg",
        "请填数字",
        "请同时选择糖尿病",
        'value="1400"',
        'value="八十"',
        'value="手误"',
    ):
        assert part in shown.text, part
    assert town.run("SELECT count(*) FROM resident_profile") == [(0,)]


def test_a_doctor_says_whose_a_doubted_reading_is(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    measured(town, "r-01", 9)
    town.reads("r-01", 171, 101, ago=2 * DAY + 5 * HOUR)
    key = town.doubt("r-01", 2 * DAY + 5 * HOUR)
    town.close_day("r-01")
    town.run("DELETE FROM eval_queue")
    shown = doctor.get("/residents/r-01").text
    assert "1 次读数待确认" in shown
    assert "12 次读数" in shown, "and not 13"
    assert "171/101" in doctor.get("/residents/r-01/doubts").text
    form = {"key": key, "answer": "other", "doctor": "wang"}
    shown = doctor.post("/residents/r-01/doubts", data=form).text
    assert "已记为他人的读数" in shown
    assert "他人（王医生）" in shown
    assert town.run("SELECT answer, answered_by FROM reading_doubt") == [("other", "wang")]
    ((touched,),) = town.run("SELECT touched_at FROM daily_progress")
    assert touched == town.now - (2 * DAY + 5 * HOUR), "its day is counted anew"
    assert town.run("SELECT count(*) FROM eval_queue") == [(1,)]
    assert "没有改动" in doctor.post("/residents/r-01/doubts", data=form).text
    own = doctor.post("/residents/r-01/doubts", data=form | {"answer": "own"}).text
    assert "已记为本人的读数" in own
    shown = doctor.get("/residents/r-01").text
    assert "待确认" not in shown
    assert "13 次读数" in shown


@pytest.mark.parametrize("change", [{"key": "nothing"}, {"doctor": "chen"}, {"answer": "mine"}])
def test_an_answer_that_fits_nothing_changes_nothing(
    town: Town, doctor: httpx.Client, change: dict[str, str]
) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 171, 101, ago=DAY)
    key = town.doubt("r-01", DAY)
    form = {"key": key, "answer": "own", "doctor": "wang"} | change
    assert "没有改动" in doctor.post("/residents/r-01/doubts", data=form).text
    assert town.run("SELECT answer FROM reading_doubt") == [(None,)]


def test_records_that_contradict_each_other_are_shown(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 131, 80, ago=DAY)
    town.conflict("r-01", DAY, systolic_mmhg=147, diastolic_mmhg=88)
    assert "1 条互相矛盾的记录" in doctor.get("/residents/r-01").text
    shown = doctor.get("/residents/r-01/doubts").text
    assert shown.index("131/80") < shown.index("147/88")


def test_an_episode_explains_rounds_visit_and_record(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 186, 112, ago=timedelta(minutes=12))
    town.reads("r-01", 184, 110, ago=timedelta(minutes=10))
    town.evaluate()
    episode = town.episode_of("r-01")
    number = town.entry(
        "r-01", "BP-03", {"what": "next_day_visit", "episode_id": episode}, severity="today"
    )
    shown = doctor.get(f"/episodes/{episode}").text
    for part in (
        "复测进程",
        "每 20 分钟一轮，最多 3 轮",
        "第 1 轮",
        "data-until=",
        "次日就诊",
        f"/worklist/{number}",
        "判断记录",
        "收缩压 ≥ 180 mmHg",
    ):
        assert part in shown, part
    ((hashed,),) = town.run(
        "SELECT encode(d.hash, 'hex') FROM finding f JOIN decision d USING (decision_id) LIMIT 1"
    )
    assert hashed in shown


def test_nobody_sees_or_sets_what_is_another_teams(
    town: Town, feed_with_users: Callable[[str], str]
) -> None:
    town.resident("r-02", "周美华", team="south")
    town.reads("r-02", 171, 101, ago=DAY)
    key = town.doubt("r-02", DAY)
    url = feed_with_users(f"wang:{hash_password(PASSWORD)}\n")
    with httpx.Client(base_url=url, auth=("wang", PASSWORD), headers=OWN) as wang:
        for path in PATHS:
            assert wang.get(f"/residents/r-02{path}").status_code == 404
        for path, form in (
            ("label", {"label": "green", "days": "7", "reason": "x"}),
            ("profile", {"groups": "frail"}),
            ("doubts", {"key": key, "answer": "own"}),
            ("treatment", CHANGE),
            ("treatment/1/back", {}),
        ):
            assert wang.post(f"/residents/r-02/{path}", data=form).status_code == 404
        assert "城南团队" not in wang.get("/workload").text
        assert "城北团队" in wang.get("/workload").text
    for table in ("label_override", "resident_profile", "treatment_change"):
        assert town.run(f"SELECT count(*) FROM {table}") == [(0,)]
    assert town.run("SELECT answer FROM reading_doubt") == [(None,)]


def test_workload_counts_episodes_entries_and_true_alerts(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李建国")
    true, wrong = town.red("r-01"), town.red("r-02")
    for episode, what in ((true, "visit"), (wrong, "false_alarm")):
        form = {"doctor": "wang", "disposition": what}
        doctor.post(f"/episodes/{episode}/answer", data=form)
    town.entry("r-01", "BP-06", {"what": "silence", "days": 8})
    shown = re.sub(r"<[^>]+>|\s+", " ", doctor.get("/workload").text)
    assert re.search(r"城北团队 +2 +25.0 +（2） +0.0 +（0） +12.5 +（1） +50 % +1 / 2", shown)


def test_rules_are_a_document(town: Town, doctor: httpx.Client) -> None:
    shown = doctor.get("/rules").text
    for part in (
        "51 条规则",
        'id="BP-03"',
        'id="HELP-01"',
        "自述：请求回电",
        'id="DQ-07"',
        "仅由人结束",
        "平均值距界限不到 5",
        "给居民的话",
    ):
        assert part in shown, part
