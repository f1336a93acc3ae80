"""Detection in a real browser: the worklist is live, by keyboard, on a phone and on paper."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from fix_feed import Town
from playwright.sync_api import BrowserContext, Page, expect
from test_feed_browser import OVERFLOW, TOO_SMALL

Visit = Callable[..., BrowserContext]
DAY = timedelta(days=1)
CHANGED = "SELECT pg_notify('yikao_changed', '')"
SILENT = {"what": "silence", "days": 9}


def story(town: Town) -> dict[str, str]:
    """A resident with everything that the pages can show; return the pages by name."""
    town.resident("r-01", "张秀英")
    for n in range(1, 27):
        town.reads("r-01", 138 + n % 5, 82, ago=n * DAY, pulse=72)
        town.reads("r-01", 136 + n % 3, 80, ago=n * DAY + timedelta(hours=9), pulse=70)
        town.reads("r-01", glucose=7.0 + n % 3, ago=n * DAY, meal="fasting")
    town.label("r-01", "yellow", {"code": "level_high", "p": 0.91, "limit": 135.0})
    town.doubt("r-01", 2 * DAY)
    town.conflict("r-01", 3 * DAY, systolic_mmhg=171)
    town.close_day("r-01")
    number = town.entry("r-01", "DQ-06", SILENT)
    return {
        "worklist": "/worklist",
        "entry": f"/worklist/{number}",
        "resident": "/residents/r-01",
        "label": "/residents/r-01/label",
        "profile": "/residents/r-01/profile",
        "doubts": "/residents/r-01/doubts",
        "rules": "/rules",
        "workload": "/workload",
    }


def opened(visit: Visit, path: str, **options: object) -> Page:
    page = visit(**options).new_page()
    page.goto(path)
    return page


def test_an_entry_and_its_count_appear_without_a_reload(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    town.close_day("r-01")
    page = opened(visit, "/worklist")
    page.evaluate("window.same = true")
    expect(page.locator(".empty.known")).to_be_visible()
    town.entry("r-01", "DQ-06", SILENT)
    town.run(CHANGED)
    expect(page.locator(".entry")).to_contain_text("张秀英")
    expect(page.get_by_role("link", name=re.compile("工作清单 ?1 项待办"))).to_be_visible()
    assert page.evaluate("window.same") is True


def test_done_on_one_page_leaves_the_list_on_another(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    town.close_day("r-01")
    number = town.entry("r-01", "DQ-06", SILENT)
    watching = opened(visit, "/worklist")
    page = opened(visit, "/worklist")
    expect(watching.locator(".entry")).to_have_count(1)
    page.get_by_role("link", name=re.compile("处理：张秀英")).click()
    page.wait_for_url(f"**/worklist/{number}")
    page.get_by_label("医生").first.select_option(label="王医生")
    page.get_by_role("button", name="标记为已处理").click()
    expect(page.get_by_role("status")).to_contain_text("已完成")
    expect(watching.locator(".entry")).to_have_count(0)
    expect(watching.locator(".empty.known")).to_be_visible()


def test_news_takes_nothing_from_a_form_that_is_half_filled(town: Town, visit: Visit) -> None:
    paths = story(town)
    page = opened(visit, paths["profile"])
    page.get_by_label("家庭收缩压目标").fill("142")
    page.get_by_label("衰弱", exact=True).check()
    with page.expect_response("**/worklist/count"):
        town.run(CHANGED)
    expect(page.get_by_label("家庭收缩压目标")).to_have_value("142")
    page.get_by_label("家庭舒张压目标").fill("139")
    page.get_by_label("医生").select_option(label="王医生")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert").filter(has_text="没有保存")).to_contain_text(
        "139 超出范围 50–110"
    )
    expect(page.get_by_label("家庭收缩压目标")).to_have_value("142")
    page.get_by_label("家庭舒张压目标").fill("85")
    page.get_by_label("医生").select_option(label="王医生")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("status")).to_contain_text("已保存")
    expect(page.locator(".targets")).to_contain_text("142")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_needs_no_sideways_scroll_and_has_large_targets(
    town: Town, visit: Visit, feed_url: str, language: str
) -> None:
    paths = story(town)
    context = visit(width=360, height=740)
    context.add_cookies([{"name": "language", "value": language, "url": feed_url}])
    page = context.new_page()
    for path in paths.values():
        page.goto(path)
        assert page.evaluate(OVERFLOW) <= 0, path
        assert page.evaluate(TOO_SMALL) == [], path


def test_no_page_breaks_the_policy(town: Town, visit: Visit) -> None:
    paths = story(town)
    context = visit()
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in paths.values():
        with page.expect_response("**/worklist/count"):
            page.goto(path)
    assert complaints == []


def test_the_report_is_one_page_of_a4_without_forms(town: Town, visit: Visit) -> None:
    paths = story(town)
    page = opened(visit, paths["resident"])
    page.emulate_media(media="print")
    expect(page.locator("nav").first).to_be_hidden()
    expect(page.get_by_text("全部读数")).to_be_hidden()
    expect(page.get_by_text("28 天血压血糖报告")).to_be_visible()
    expect(page.get_by_text("医生签名")).to_be_visible()
    expect(page.locator(".chart.wide").first).to_be_visible()
    pages = page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n")
    assert 1 <= pages <= 2, "two drawings may need a second page"
