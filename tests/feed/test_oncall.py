"""The on-call page over HTTP: who is on call, what is missing, and the forms that change it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fix_feed import SECRET, Town
from oncall_parts import with_centre

from yikao_alerts.feed.oncall_forms import SPAN_MAX
from yikao_alerts.feed.users import hash_password
from yikao_alerts.links import PageLink, make_link

OWN = {"sec-fetch-site": "same-origin"}
PASSWORD = "a long sentence nobody guesses"
HOUR = timedelta(hours=1)


@pytest.fixture
def doctor(feed_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=feed_url, headers=OWN, follow_redirects=True) as client:
        yield client


def form(town: Town, hours: float = 1, length: float = 12, **more: str) -> dict[str, str]:
    """A filled form, its times on the centre's clock."""
    begin = town.now.astimezone(UTC) + timedelta(hours=8) + hours * HOUR
    times = [at.strftime("%Y-%m-%dT%H:%M") for at in (begin, begin + length * HOUR)]
    usual = {"begin": times[0], "end": times[1], "reason": "开会", "doctor": "wang"}
    return usual | {"centre": "c-north"} | more


def test_without_a_centre_the_page_says_what_to_do(doctor: httpx.Client) -> None:
    assert "还没有中心和值班表" in doctor.get("/oncall").text


def test_the_page_shows_who_is_on_call_and_what_is_missing(
    town: Town, doctor: httpx.Client
) -> None:
    with_centre(town)
    shown = doctor.get("/oncall").text
    for part in (
        "城北中心",
        "总值班",
        "城北团队",
        "王医生",
        "李医生",
        "验证过的联系方式不到两种",
        "休",
    ):
        assert part in shown, part
    assert "无人值班" not in shown
    doctor.cookies.set("language", "en")
    assert "fewer than two kinds of verified contacts" in doctor.get("/oncall").text


def test_a_leave_is_entered_seen_and_taken_back(town: Town, doctor: httpx.Client) -> None:
    with_centre(town)
    shown = doctor.post("/oncall/leave", data=form(town, away="wang", substitute="li")).text
    assert "请假已登记" in shown
    assert "李医生 代班" in shown
    assert "王医生 于" in shown
    rows = town.run("SELECT leave_id, doctor_id, substitute_id, said_by, reason FROM doctor_leave")
    assert [row[1:] for row in rows] == [("wang", "li", "wang", "开会")]
    back = {"what": "leave", "number": str(rows[0][0]), "doctor": "li", "centre": "c-north"}
    assert "已撤回" in doctor.post("/oncall/withdraw", data=back).text
    assert "没有改动" in doctor.post("/oncall/withdraw", data=back).text
    assert town.run("SELECT withdrawn_by FROM doctor_leave") == [("li",)]


def test_when_both_are_away_the_hole_is_red(town: Town, doctor: httpx.Client) -> None:
    with_centre(town)
    for away in ("wang", "li"):
        shown = doctor.post("/oncall/leave", data=form(town, away=away)).text
    assert "无人值班" in shown
    assert "没有人" in shown


def test_a_shift_is_handed_over_and_somebody_added(town: Town, doctor: httpx.Client) -> None:
    with_centre(town)
    handed = form(town, rota="duty", giver="wang", taker="li")
    assert "换班已登记" in doctor.post("/oncall/handover", data=handed).text
    added = form(town, rota="team", kind="add", who="chen")
    shown = doctor.post("/oncall/override", data=added).text
    assert "加上 陈医生" in shown
    kinds = town.run("SELECT rota_id, kind, doctors, giver_id FROM rota_override ORDER BY 1")
    assert kinds == [("duty", "hand_over", ["li"], "wang"), ("team", "add", ["chen"], None)]


@pytest.mark.parametrize(
    ("what", "more", "told"),
    [
        ("leave", {"away": "wang", "doctor": "chen"}, "选择本中心的医生"),
        ("leave", {"away": "wang", "doctor": ""}, "选择本中心的医生"),
        ("leave", {"away": "wang", "centre": "elsewhere"}, "选择本中心的医生"),
        ("leave", {"away": "nobody"}, "从列表里选择"),
        ("leave", {"away": "wang", "substitute": "wang"}, "从列表里选择"),
        ("leave", {"away": "wang", "substitute": "nobody"}, "从列表里选择"),
        ("leave", {"away": "wang", "reason": " "}, "写明原因"),
        ("leave", {"away": "wang", "reason": "x" * 101}, "写明原因"),
        ("leave", {"away": "wang", "end": "2020-01-01T08:00"}, "结束要晚于开始"),
        ("leave", {"away": "wang", "begin": "soon"}, "结束要晚于开始"),
        ("handover", {"rota": "duty", "giver": "wang", "taker": "wang"}, "从列表里选择"),
        ("handover", {"rota": "none", "giver": "wang", "taker": "li"}, "从列表里选择"),
        ("override", {"rota": "duty", "kind": "hand_over", "who": "li"}, "从列表里选择"),
        ("elsewhere", {"rota": "duty"}, "从列表里选择"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(
    town: Town, doctor: httpx.Client, what: str, more: dict[str, str], told: str
) -> None:
    with_centre(town)
    assert told in doctor.post(f"/oncall/{what}", data=form(town, **more)).text
    assert town.run("SELECT 1 FROM doctor_leave UNION ALL SELECT 1 FROM rota_override") == []


def test_longer_than_a_year_or_past_is_refused(town: Town, doctor: httpx.Client) -> None:
    with_centre(town)
    for hours, length in ((1, SPAN_MAX / HOUR + 1), (-3, 2)):
        sent = form(town, hours, length, away="wang")
        assert "最长一年" in doctor.post("/oncall/leave", data=sent).text


def test_a_doctor_of_another_centre_sees_and_changes_nothing(
    town: Town, feed_with_users: Callable[[str], str]
) -> None:
    with_centre(town)
    url = feed_with_users(f"chen:{hash_password(PASSWORD)}\n")
    with httpx.Client(
        base_url=url, headers=OWN, auth=("chen", PASSWORD), follow_redirects=True
    ) as chen:
        assert "总值班" not in chen.get("/oncall?centre=c-north").text
        shown = chen.post("/oncall/leave", data=form(town, away="wang")).text
        assert "选择本中心的医生" in shown
    assert town.run("SELECT 1 FROM doctor_leave") == []


def test_the_link_of_a_test_message_confirms_by_the_button_alone(
    town: Town, doctor: httpx.Client
) -> None:
    number = uuid4()
    town.run(
        "INSERT INTO notice (notice_id, kind, doctor_id, position, channel, address, language,"
        " body, link, created_at) VALUES (%(id)s, 'check', 'wang', 0, 'console', 'wang-phone',"
        " 'zh', '', '', %(now)s)",
        id=number,
    )
    token = make_link(SECRET, PageLink(number, "wang"), datetime.now(UTC))
    confirmed = "SELECT confirmed_at FROM notice"
    page = doctor.get(f"/p/check/{token}").text
    assert "是我收到的" in page
    assert "渠道：控制台" in page
    assert town.run(confirmed) == [(None,)]
    assert "已确认" in doctor.post(f"/p/check/{token}").text
    ((first,),) = town.run(confirmed)
    assert first is not None
    doctor.post(f"/p/check/{token}")
    assert town.run(confirmed) == [(first,)]
    other = make_link(SECRET, PageLink(number, "li"), datetime.now(UTC))
    for wrong in (other, token[:-2], "x"):
        assert doctor.post(f"/p/check/{wrong}").status_code == 404
