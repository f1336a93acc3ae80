"""The on-call page in a real browser: on a phone, by the book of the policy, and with a form."""

from collections.abc import Callable

import pytest
from fix_feed import Town
from oncall_parts import with_centre
from playwright.sync_api import BrowserContext, expect
from test_feed_browser import OVERFLOW, TOO_SMALL

Visit = Callable[..., BrowserContext]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_phone_needs_no_sideways_scroll_and_has_large_targets(
    town: Town, visit: Visit, feed_url: str, language: str
) -> None:
    with_centre(town)
    context = visit(width=360, height=740)
    context.add_cookies([{"name": "language", "value": language, "url": feed_url}])
    page = context.new_page()
    page.goto("/oncall")
    for opening in page.locator("details > summary").all():
        opening.click()
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(TOO_SMALL) == []


def test_a_leave_is_entered_by_hand_and_nothing_breaks_the_policy(town: Town, visit: Visit) -> None:
    with_centre(town)
    context = visit()
    complaints: list[str] = []
    context.on("console", lambda message: complaints.append(message.text))
    page = context.new_page()
    page.goto("/oncall")
    page.get_by_text("请假", exact=True).click()
    leave = page.locator("form[action='/oncall/leave']")
    leave.get_by_label("请假的人").select_option(label="王医生")
    leave.get_by_label("代班的人").select_option(label="李医生")
    leave.get_by_label("原因").fill("开会")
    leave.locator("select[name=doctor]").select_option(label="王医生")
    leave.get_by_role("button").click()
    expect(page.get_by_role("status")).to_contain_text("请假已登记")
    expect(page.locator(".lines-said")).to_contain_text("李医生 代班")
    assert complaints == []
