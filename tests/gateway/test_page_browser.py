"""The page at home in a real browser: live, by finger, by keyboard, without scripts, by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from page_parts import PageHome, Served, Visit, windows
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from yikao_devices.wire import DeviceEvent

PATHS = ("/", "/call", "/feel", "/passkey", "/none")
TOO_SMALL = """
() => [...document.querySelectorAll('a, button, .choice, input:not([type=hidden])')]
    .filter(e => !e.closest('.choice') || e.matches('.choice'))
    .filter(e => Math.min(e.getBoundingClientRect().height, e.getBoundingClientRect().width) < 48)
    .map(e => e.outerHTML.slice(0, 80))
"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
FAINT = """
() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map(c => c / 255)
        .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    const colour = getComputedStyle(e).backgroundColor;
    return parts(colour)[3] === 0 && e.parentElement ? ground(e.parentElement) : colour;
  };
  return [...document.querySelectorAll('body *')]
      .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()))
      .filter(e => e.getBoundingClientRect().height > 2 && !e.matches('noscript'))
      .map(e => [light(getComputedStyle(e).color), light(ground(e)), e])
      .map(([a, b, e]) => [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent])
      .filter(([contrast]) => contrast < 4.5)
}
"""
"""Text below the contrast of WCAG 2.2, 1.4.3 (AA)."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path) as made:
        yield made


@pytest.fixture
def at_home(browser: Browser, served: Served) -> Iterator[Visit]:
    """Make a window of a browser at home: `at_home(width=390)`."""
    with windows(browser, served.url, height=600) as made:
        yield made


def opened(context: BrowserContext, path: str = "/") -> Page:
    page = context.new_page()
    page.goto(path)
    return page


def everything(home: PageHome) -> None:
    """Let the page say all that it can say at once."""
    home.has_read(problem="stale_bond", battery_low=True)
    home.household.alarms.set("radio_unavailable", on=True)
    home.household.call()
    home.times.passes(900)
    home.prompted(minutes=20, do="show", zh="请坐下休息", en="Sit and rest")
    home.prompted(minutes=15)
    home.household.open_pairing()
    home.household.pairing.show("C4:1D:00:00:00:77", 123456)


def test_a_prompt_appears_by_itself_and_its_clock_runs(served: Served, at_home: Visit) -> None:
    page = opened(at_home())
    page.evaluate("window.same = true")
    expect(page.locator("#prompt")).to_have_text("现在没有新的提示")
    page.locator("#to-call").focus()
    served.do(lambda home: home.prompted(minutes=15))
    expect(page.locator("#prompt h2")).to_have_text("请再量一次")
    clock = page.locator("#prompt [data-left]")
    expect(clock).not_to_have_text("15:00")
    before = clock.inner_text()
    expect(clock).not_to_have_text(before)
    expect(page.locator("#to-call")).to_be_focused()
    assert page.evaluate("window.same") is True


def test_a_gateway_that_has_gone_is_told(served: Served, at_home: Visit) -> None:
    page = opened(at_home())
    expect(page.locator("#away")).to_be_hidden()
    page.context.set_offline(True)
    expect(page.get_by_role("alert")).to_contain_text("网关没有回应")
    page.context.set_offline(False)
    expect(page.locator("#away")).to_be_hidden()


@pytest.mark.parametrize("scripts", [True, False])
def test_the_doctor_is_called_by_two_presses(served: Served, at_home: Visit, scripts: bool) -> None:
    page = opened(at_home(width=390, height=844, java_script_enabled=scripts))
    page.get_by_role("link", name="请医生给我打电话").click()
    assert served.do(lambda home: home.items()) == []
    page.get_by_role("button", name="是，请打给我").click()
    expect(page.locator("#said")).to_contain_text("已请医生给您打电话")
    (item,) = served.do(lambda home: home.items())
    assert isinstance(item, DeviceEvent)
    page.reload()
    assert len(served.do(lambda home: home.items())) == 1


def test_without_scripts_the_page_is_loaded_anew(served: Served, at_home: Visit) -> None:
    page = opened(at_home(java_script_enabled=False))
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "10"
    served.do(lambda home: home.prompted(minutes=15))
    page.reload()
    expect(page.locator("#prompt h2")).to_have_text("请再量一次")


def test_symptoms_are_chosen_by_keyboard(served: Served, at_home: Visit) -> None:
    served.do(PageHome.has_read)
    page = opened(at_home())
    page.keyboard.press("Tab")
    for _ in range(6):
        if page.evaluate("document.activeElement.id") == "to-feel":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/feel")
    page.get_by_label("血糖仪").focus()
    page.keyboard.press("Space")
    page.get_by_label("剧烈头痛或头晕").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="告诉医生").press("Enter")
    expect(page.locator("#said")).to_contain_text("说的不舒服正在送出")


def test_a_report_without_the_person_is_not_sent(served: Served, at_home: Visit) -> None:
    served.do(PageHome.has_read)
    page = opened(at_home(), "/feel")
    page.get_by_label("头痛", exact=True).check()
    page.get_by_role("button", name="告诉医生").click()
    assert page.url.endswith("/feel")
    assert served.do(lambda home: home.items()) == []


def test_the_nurse_pairs_and_changes_the_language(served: Served, at_home: Visit) -> None:
    page = opened(at_home())
    page.get_by_role("button", name="Switch to English").click()
    page.get_by_role("button", name="Start pairing").click()
    expect(page.get_by_role("heading", name="Waiting for the new device")).to_be_visible()
    page.locator("#press-pairing-close").focus()
    served.do(lambda home: home.household.pairing.show("C4:1D:00:00:00:77", 123456))
    expect(page.locator("#pairing")).to_contain_text("ending 0077: 123456")
    expect(page.locator("#press-pairing-close")).to_be_focused()
    page.get_by_role("button", name="Stop pairing").click()
    expect(page.get_by_role("button", name="Start pairing")).to_be_visible()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everything_is_large_and_clear_and_fits(
    served: Served, at_home: Visit, language: str, scheme: str
) -> None:
    served.do(everything)
    context = at_home(width=360, height=740, color_scheme=scheme)
    context.add_cookies([{"name": "language", "value": language, "url": served.url}])
    page = context.new_page()
    for path in PATHS:
        page.goto(path)
        for check in (TOO_SMALL, FAINT):
            assert page.evaluate(check) == [], path
        assert page.evaluate(OVERFLOW) <= 0, path
        assert page.locator("h1").count() == 1, path


def test_no_request_leaves_and_no_rule_is_broken(served: Served, at_home: Visit) -> None:
    served.do(everything)
    asked: list[str] = []
    said: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page = at_home().new_page()
    page.on("request", note)
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    for path in PATHS[:-1]:
        page.goto(path)
        page.wait_for_load_state("networkidle")
    assert said == []
    assert all(url.startswith(f"{served.url}/") for url in asked)
