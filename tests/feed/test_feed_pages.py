"""The feed over HTTP: what it shows, what an answer does, what it refuses and never says."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx
import pytest
from fix_feed import SECRET, Town, serving

from yikao_alerts.feed.settings import FeedSettings
from yikao_alerts.feed.users import hash_password
from yikao_alerts.links import LIFETIME, PageLink, make_link, read_link

OWN = {"sec-fetch-site": "same-origin"}
LIVE = r'hx-get="([^"]+)".*?name="seen" value="(\w+)"'
"""Address and token of a live part."""
PASSWORD = "a long sentence nobody guesses"


@pytest.fixture
def doctor(feed_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=feed_url, headers=OWN) as client:
        yield client


def answer(doctor: httpx.Client, episode: int, who: str, what: str = "called") -> httpx.Response:
    form = {"doctor": who, "disposition": what}
    return doctor.post(f"/episodes/{episode}/answer", data=form, follow_redirects=True)


def test_every_page_opens_in_both_languages(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    pages = ("/", f"/episodes/{episode}", "/residents/r-01", "/operations", town.link_of(episode))
    for language, words in (("zh", "医靠"), ("en", "Yikao")):
        doctor.cookies.set("language", language)
        for path in pages:
            shown = doctor.get(path)
            assert shown.status_code == 200, path
            assert words in shown.text, path
            assert not re.search(r"<script(?![^>]*src=\"/static)", shown.text)
            assert " style=" not in shown.text
            assert "{" not in re.sub(r"(data-[\w-]+|content)=(\"[^\"]*\"|'[^']*')", "", shown.text)


def test_an_open_episode_shows_who_what_and_what_comes_next(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01", 186, 112)
    shown = doctor.get("/").text
    for part in ("张秀英", "184/110", "脉搏 92", "红色 · 立即", "给 王医生 打电话"):
        assert part in shown
    shown = doctor.get(f"/episodes/{episode}").text
    for part in ("186/112", "184/110", "185/111", "BP-03", "V：数值见于出处", "王医生", "待发"):
        assert part in shown


def test_an_answer_is_recorded_and_the_second_doctor_sees_it(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    shown = answer(doctor, episode, "wang", "adjusted")
    assert re.search(r"已由 王医生 \d\d:\d\d 处理", shown.text)
    assert "调整方案" in shown.text
    assert doctor.cookies["doctor"] == "wang"
    assert town.run("SELECT state FROM page") == [("cancelled",)]
    before = town.everything()
    second = answer(doctor, episode, "li")
    assert "已有医生处理，没有改动" in second.text
    assert re.search(r"已由 王医生 \d\d:\d\d 处理", second.text)
    assert town.everything() == before


def test_an_answered_episode_is_closed_by_a_doctor(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    form = {"doctor": "li", "disposition": "visit"}
    early = doctor.post(f"/episodes/{episode}/close", data=form, follow_redirects=True)
    assert "没有改动" in early.text
    answer(doctor, episode, "wang")
    closed = doctor.post(f"/episodes/{episode}/close", data=form, follow_redirects=True)
    assert "告警已结束" in closed.text
    assert town.run("SELECT state, disposition FROM episode") == [("resolved", "visit")]
    assert "最近 24 小时结束" in doctor.get("/").text


@pytest.mark.parametrize("who", ["", "nobody", "chen"])
def test_only_a_doctor_of_the_team_answers(town: Town, doctor: httpx.Client, who: str) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    before = town.everything()
    assert "请选择处理医生" in answer(doctor, episode, who).text
    assert town.everything() == before


def test_a_suspicion_waits_for_its_second_reading(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 184, 100, ago=timedelta(minutes=1))
    town.evaluate()
    shown = doctor.get("/").text
    assert "等待复测" in shown
    assert "未复测" in shown
    shown = doctor.get(f"/episodes/{town.episode_of('r-01')}").text
    for part in ("等待第二次测量 · 等到", "184/100", "尚未呼叫", "暂不需要处理"):
        assert part in shown


def test_a_live_part_is_sent_only_when_it_says_something_new(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    for path in ("/", f"/episodes/{episode}", "/residents/r-01", "/operations"):
        parts = re.findall(LIVE, doctor.get(path).text)
        assert parts, path
        for address, token in parts:
            assert doctor.get(address, params={"seen": token}).status_code == 204, address
    ((address, token),) = re.findall(LIVE, doctor.get("/").text)
    answer(doctor, episode, "wang")
    assert "已由 王医生" in doctor.get(address, params={"seen": token}).text


def test_unknown_is_never_shown_as_none(town: Town, doctor: httpx.Client) -> None:
    assert "还没有登记居民" in doctor.get("/").text
    town.resident("r-01", "张秀英")
    town.reads("r-01", 128, 78, ago=timedelta(minutes=5))
    assert "没有进行中的告警" in doctor.get("/").text
    town.resident("r-02", "李建国")
    shown = doctor.get("/").text
    assert "没有进行中的告警" not in shown
    assert (
        ">无<" not in shown.replace("已处理未结束", "").split("居民数据")[0].split("tile-name")[1]
    )
    for part in ("是否有告警：未知", "1 / 2 位有近期数据", "1 位未知", "李建国"):
        assert part in shown


def test_a_silent_gateway_or_evaluator_makes_it_unknown(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 128, 78, ago=timedelta(minutes=5))
    town.run("UPDATE eval_queue SET queued_at = %(now)s - interval '3 minutes'")
    assert "判断程序没有在工作" in doctor.get("/").text
    town.run("DELETE FROM eval_queue")
    town.run("UPDATE gateway SET online = false")
    shown = doctor.get("/").text
    assert "没有进行中的告警" not in shown
    assert "离线" in doctor.get("/operations").text


def test_without_a_database_it_says_unknown(short_tmp: object) -> None:
    away = FeedSettings(f"host={short_tmp} dbname=none", SECRET, port=0)
    with serving(away) as url:
        shown = httpx.get(url)
        assert shown.status_code == 503
        assert "告警状态未知" in shown.text
        health = httpx.get(url + "/healthz")
        assert (health.status_code, health.json()["database"]) == (503, "away")


def test_without_a_schema_it_says_unknown(database_url: str) -> None:
    with serving(FeedSettings(database_url, SECRET, port=0)) as url:
        assert httpx.get(url).status_code == 503
        assert httpx.get(url + "/healthz").status_code == 503


def test_health_and_api(town: Town, doctor: httpx.Client) -> None:
    health = doctor.get("/healthz").json()
    assert health["database"] == "reachable"
    assert health["schema"].endswith(".sql")
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    (found,) = doctor.get("/api/episodes").json()
    assert (found["episode_id"], found["resident_code"]) == (episode, "r-01")
    assert (found["state"], found["severity"]) == ("open", "page_now")
    assert re.match(r"\d{4}-\d\d-\d\dT.*[+Z]", found["opened_at"])
    assert "张秀英" not in str(found)
    answer(doctor, episode, "wang")
    assert doctor.get("/api/episodes").json()[0]["state"] == "answered"


def test_opening_a_link_changes_nothing_and_shows_no_value(
    town: Town, doctor: httpx.Client
) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    before = town.everything()
    shown = doctor.get(town.link_of(episode))
    assert "张**" in shown.text
    for private in ("张秀英", "184", "186", "r-01"):
        assert private not in shown.text
    assert shown.headers["referrer-policy"] == "no-referrer"
    assert shown.headers["cache-control"] == "no-store"
    doctor.head(town.link_of(episode))
    assert town.everything() == before


def test_a_link_answers_for_its_doctor_once(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    link = town.link_of(town.red("r-01"))
    first = doctor.post(link, data={"disposition": "called"})
    assert re.search(r"已由您 \d\d:\d\d 处理", first.text)
    assert town.run("SELECT answered_by, disposition FROM episode") == [("wang", "called")]
    before = town.everything()
    again = doctor.post(link, data={"disposition": "visit"})
    assert re.search(r"已由您 \d\d:\d\d 处理", again.text)
    assert town.everything() == before


def test_a_link_shows_that_somebody_else_was_faster(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    answer(doctor, episode, "li")
    assert re.search(r"已由 李医生 \d\d:\d\d 处理", doctor.get(town.link_of(episode)).text)


def test_a_link_that_is_old_or_forged_says_what_to_do(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    token = town.link_of(town.red("r-01")).removeprefix("/p/")
    genuine = read_link(SECRET, token, town.now)
    assert genuine is not None
    dead = (
        make_link(SECRET, genuine, town.now - LIFETIME),
        make_link(b"another secret of the server", genuine, town.now),
        make_link(SECRET, PageLink(genuine.page_id, "li"), town.now),
        token[:-1],
        "x",
        "%00",
    )
    before = town.everything()
    for bad in dead:
        for shown in (
            doctor.get(f"/p/{bad}"),
            doctor.post(f"/p/{bad}", data={"disposition": "called"}),
        ):
            assert shown.status_code == 404
            assert "此链接不能使用" in shown.text
    assert town.everything() == before


def test_a_foreign_page_changes_nothing(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    before = town.everything()
    form = {"doctor": "wang", "disposition": "called"}
    foreign: tuple[dict[str, str], ...] = (
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {},
    )
    for headers in foreign:
        for path in (f"/episodes/{episode}/answer", f"/episodes/{episode}/close", "/language"):
            shown = httpx.post(feed_url + path, data=form, headers=headers)
            assert shown.status_code == 403, (headers, path)
    evil = {"origin": "https://evil.example"}
    assert httpx.post(feed_url + town.link_of(episode), data=form, headers=evil).status_code == 403
    assert town.everything() == before


def test_an_incomplete_form_changes_nothing(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    before = town.everything()
    for form in ({}, {"doctor": "wang"}, {"doctor": "wang", "disposition": "forgotten"}):
        shown = doctor.post(f"/episodes/{episode}/answer", data=form)
        assert shown.status_code == 400
        assert "没有改动" in shown.text
    assert town.everything() == before


def test_another_name_for_this_machine_is_refused(feed_url: str) -> None:
    assert httpx.get(feed_url, headers={"host": "evil.example"}).status_code == 403
    assert httpx.get(feed_url, headers={"host": "localhost:1"}).status_code == 200


def test_what_is_not_there_is_said_kindly(doctor: httpx.Client) -> None:
    for path in ("/episodes/77", "/episodes/x", "/residents/nobody", "/nothing", "/live/x"):
        shown = doctor.get(path)
        assert shown.status_code in (400, 404), path
        assert "返回告警页" in shown.text


def test_browsers_are_told_to_be_strict(doctor: httpx.Client) -> None:
    for path in ("/", "/static/feed.js", "/p/x"):
        headers = doctor.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_the_language_is_kept(town: Town, doctor: httpx.Client) -> None:
    shown = doctor.post("/language", data={"language": "en", "back": "/operations"})
    assert shown.headers["location"] == "/operations"
    assert "samesite=strict" in shown.headers["set-cookie"].lower()
    assert "Gateways" in doctor.get("/operations").text
    elsewhere = doctor.post("/language", data={"language": "xx", "back": "//evil.example"})
    assert elsewhere.headers["location"] == "/"
    assert "set-cookie" not in elsewhere.headers


def test_a_signed_in_doctor_sees_and_answers_for_the_own_team(
    town: Town, feed_with_users: Callable[[str], str]
) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "周美华", team="south")
    north, south = town.red("r-01"), town.red("r-02")
    hashed = hash_password(PASSWORD)
    url = feed_with_users(f"wang:{hashed}\nchen:{hashed}\nghost:{hashed}\n")
    assert httpx.get(url).status_code == 401
    assert httpx.get(url + "/stream").status_code == 401
    assert httpx.get(url, auth=("wang", "wrong")).status_code == 401
    assert httpx.get(url + "/healthz").status_code == 200
    with httpx.Client(base_url=url, auth=("wang", PASSWORD), headers=OWN) as wang:
        shown = wang.get("/").text
        assert "张秀英" in shown
        assert "周美华" not in shown
        assert wang.get(f"/episodes/{south}").status_code == 404
        assert wang.get("/residents/r-02").status_code == 404
        assert answer(wang, south, "chen").status_code == 404
        assert town.run("SELECT count(*) FROM episode WHERE state = 'open'") == [(2,)]
        assert "以 王医生 的身份处理" in wang.get(f"/episodes/{north}").text
        answer(wang, north, "li")
    assert town.run("SELECT answered_by FROM episode WHERE state = 'answered'") == [("wang",)]
    ghost = httpx.get(url, auth=("ghost", PASSWORD))
    assert ghost.status_code == 403
    assert "登记" in ghost.text
    assert httpx.get(url + town.link_of(south)).status_code == 200, "the link is its own key"


def said(record: logging.LogRecord) -> str:
    """Return all that our code put into a record: not its clock, thread and line numbers, in which
    any three digits turn up by chance."""
    known = vars(logging.makeLogRecord({}))
    extra = {key: value for key, value in vars(record).items() if key not in known}
    return f"{record.getMessage()} {record.args} {extra} {record.exc_info}"


def test_no_name_and_no_value_is_logged(
    town: Town, doctor: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="yikao_alerts")
    town.resident("r-01", "标记姓名")
    episode = town.red("r-01", 271, 163)
    for path in ("/", f"/episodes/{episode}", "/residents/r-01", "/operations", "/p/x"):
        doctor.get(path)
    answer(doctor, episode, "wang")
    httpx.post(str(doctor.base_url) + town.link_of(episode), headers={"origin": "http://evil"})
    logged = " ".join(said(record) for record in caplog.records)
    assert "request from another page refused" in logged
    for private in ("标记姓名", r"\b271\b", r"\b163\b", "/p/"):
        assert not re.search(private, logged)


def test_operations_show_what_was_put_aside_and_who_must_act(
    town: Town, doctor: httpx.Client
) -> None:
    statement = """
        INSERT INTO quarantine (received_at, gateway_id, topic, reason, detail, payload)
        VALUES (%(now)s, 'gw-1', 'v1/t/gw-1/reading/glucose', %(reason)s, 'a detail', %(payload)s)
    """
    town.run(statement, reason="bad_signature", payload=b"<b>bytes</b>")
    town.run(statement, reason="from_the_future", payload=bytes(range(16)))
    shown = doctor.get("/operations").text
    for part in ("签名不对", "运维：核对网关密钥", "from_the_future", "运维：查看说明", "a detail"):
        assert part in shown
    assert "&lt;b&gt;bytes&lt;/b&gt;" in shown
    assert "000102030405060708090a0b0c0d0e0f" in shown
