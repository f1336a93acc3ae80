"""A station in a real browser: a reader that types, a finger, no scripts, and old eyes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_parts import Served, Visit, windows
from playwright.sync_api import Browser, BrowserContext, Page, expect
from test_page_browser import FAINT, OVERFLOW, TOO_SMALL
from test_station_page import measured

from yikao_devices.cards import new_number
from yikao_gateway.household.station import CHOICE_MAX, SHOWN

LI, ZHAO = new_number(1), new_number(2)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path, station=True) as made:
        yield made


@pytest.fixture
def at_station(browser: Browser, served: Served) -> Iterator[Visit]:
    """Make a window of a browser at the station: `at_station(width=390)`."""
    with windows(browser, served.url, height=768) as made:
        yield made


def opened(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/")
    return page


def scans(page: Page, text: str) -> None:
    """Type as a reader does, wherever the focus is."""
    page.keyboard.type(text)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_scan_a_measurement_and_the_next_one(
    served: Served, at_station: Visit, scripts: bool
) -> None:
    page = opened(at_station(java_script_enabled=scripts))
    expect(page.locator("#card")).to_be_focused()
    scans(page, LI)
    expect(page.locator("h1")).to_have_text(f"卡 {LI[-4:]} 已读到，请测量")
    expect(page.locator("#card")).to_be_focused()
    assert served.do(measured).card == LI
    if not scripts:
        page.reload()
    expect(page.locator("h1")).to_contain_text("已测好")
    scans(page, ZHAO)
    expect(page.locator("h1")).to_contain_text(ZHAO[-4:])


def test_a_reader_is_heard_wherever_the_focus_is(at_station: Visit) -> None:
    page = opened(at_station())
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    scans(page, LI)
    expect(page.locator("h1")).to_contain_text("已读到")
    page.locator("#press-card-cancel").focus()
    scans(page, ZHAO)
    expect(page.locator("h1")).to_contain_text(ZHAO[-4:])


def test_the_time_that_is_left_runs_down_and_can_be_ended(
    served: Served, at_station: Visit
) -> None:
    page = opened(at_station())
    scans(page, LI)
    clock = page.locator("#station [data-left]")
    expect(clock).not_to_have_text("5:00")
    page.get_by_role("button", name="取消").click()
    expect(page.locator("h1")).to_have_text("请把您的卡放到扫码器前")
    scans(page, LI)
    served.do(lambda home: home.times.passes(CHOICE_MAX.total_seconds()))
    expect(page.locator("h1")).to_contain_text("时间到了")
    served.do(lambda home: home.times.passes(SHOWN.total_seconds()))
    expect(page.locator("h1")).to_have_text("请把您的卡放到扫码器前")


def test_a_number_may_be_typed_by_finger(at_station: Visit) -> None:
    page = opened(at_station(width=390, height=844, has_touch=True))
    page.get_by_label("输入卡上的 20 位数字").tap()
    page.keyboard.type(f"{LI[:4]} {LI[4:]}")
    page.get_by_role("button", name="确定").tap()
    expect(page.locator("h1")).to_contain_text("已读到")


def test_a_wrong_code_is_told_and_goes_by_itself(served: Served, at_station: Visit) -> None:
    page = opened(at_station())
    scans(page, "https://u.wechat.com/kFz8x")
    expect(page.get_by_role("alert").filter(has_text="这不是测量卡")).to_be_visible()
    served.do(lambda home: home.times.passes(SHOWN.total_seconds()))
    expect(page.locator("#misread")).to_be_empty()


def test_what_is_being_typed_stays_while_the_page_keeps_itself_up_to_date(
    served: Served, at_station: Visit
) -> None:
    page = opened(at_station())
    page.keyboard.type(LI[:7])
    served.do(measured)
    expect(page.locator("h1")).to_contain_text("没有读卡")
    expect(page.locator("#card")).to_have_value(LI[:7])
    scans(page, LI[7:])
    expect(page.locator("h1")).to_contain_text("已读到")


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_large_and_clear_and_fits(
    served: Served, at_station: Visit, language: str, scheme: str
) -> None:
    context = at_station(width=360, height=740, color_scheme=scheme)
    context.add_cookies([{"name": "language", "value": language, "url": served.url}])
    page = opened(context)
    for scan in ("", "https://example.org", LI):
        if scan:
            scans(page, scan)
        for check in (TOO_SMALL, FAINT):
            assert page.evaluate(check) == [], scan
        assert page.evaluate(OVERFLOW) <= 0, scan
        assert page.locator("h1").count() == 1, scan
