"""The feed in a real browser: live without reload, by keyboard, on a phone, and all by itself."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from fix_feed import BROWSER_TIMEOUT_MS, SECRET, Town, serving
from playwright.sync_api import BrowserContext, Locator, Page, Request, Route, expect

from yikao_alerts.feed.settings import FeedSettings

Visit = Callable[..., BrowserContext]
LOOK_EVERY_MS = 10
TOO_SMALL = """
() => [...document.querySelectorAll('a, button, select, summary, .choice')]
    .filter(e => !e.matches('.skip'))
    .filter(e => e.getBoundingClientRect().height > 0)
    .filter(e => e.getBoundingClientRect().height < 44)
    .map(e => e.outerHTML.slice(0, 80))
"""
HEAR = "document.body.addEventListener('htmx:sseMessage', e => document.body.dataset.heard = 1)"
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def story(town: Town) -> dict[str, int]:
    """A red, an answered-to-be and a suspected episode, and someone of whom nothing is known."""
    for code, name in (("r-01", "张秀英"), ("r-02", "李建国"), ("r-03", "王桂兰")):
        town.resident(code, name)
    town.resident("r-04", "赵德明")
    red, other = town.red("r-01"), town.red("r-03")
    town.reads("r-02", 183, 101, ago=timedelta(minutes=1))
    town.evaluate()
    return {"red": red, "other": other, "suspected": town.episode_of("r-02")}


def opened(visit: Visit, path: str, **options: object) -> Page:
    page = visit(**options).new_page()
    page.goto(path)
    return page


def answering(page: Page) -> Locator:
    """Return the form that answers; those that hand over and silence are folded away below it."""
    return page.locator("form[action$='/answer']")


def until(page: Page, condition: Callable[[], bool]) -> None:
    """Let the browser's messages in until `condition` holds."""
    deadline_s = time.monotonic() + BROWSER_TIMEOUT_MS / 1000
    while not condition():
        assert time.monotonic() < deadline_s, "it never happened"
        page.wait_for_timeout(LOOK_EVERY_MS)


def test_an_episode_appears_without_a_reload(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    page = opened(visit, "/")
    page.evaluate("window.same = true")
    expect(page.locator(".card")).to_have_count(0)
    town.red("r-01", 186, 112)
    card = page.locator(".card.tone-red")
    expect(card).to_contain_text("张秀英")
    expect(card).to_contain_text("184/110")
    expect(card.locator(".next")).to_have_text(re.compile("(1|2) 分钟后给 王医生 打电话"))
    expect(page.locator("#announce")).to_have_text("1 条告警需要关注")
    assert page.evaluate("window.same") is True


def test_an_answer_shows_on_every_open_page(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    watching = opened(visit, "/")
    other = opened(visit, f"/episodes/{episode}")
    page = opened(visit, "/")
    page.get_by_role("link", name="处理 张秀英 的告警").click()
    page.get_by_label("已电话").check()
    answering(page).get_by_label("处理医生").select_option(label="王医生")
    page.get_by_role("button", name="确认处理").click()
    done = re.compile(r"已由 王医生 \d\d:\d\d 处理")
    expect(page.get_by_role("status")).to_have_text("已记录，由您处理。其余呼叫已取消。")
    expect(page.get_by_role("heading", name=done)).to_be_visible()
    expect(watching.locator(".card")).to_contain_text(done)
    expect(other.get_by_role("heading", name=done)).to_be_visible()
    expect(other.get_by_role("button", name="确认处理")).to_have_count(0)
    for field in page.get_by_label("处理医生").all():
        expect(field).to_have_value("wang")


def test_a_choice_half_made_survives_other_news(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    page = opened(visit, f"/episodes/{episode}")
    page.get_by_label("上转").check()
    with page.expect_response(re.compile("/facts.*")) as answered:
        town.reads("r-01", 188, 113, ago=timedelta(0))
        town.evaluate()
        town.run("SELECT pg_notify('yikao_changed', 'episode:1')")
    assert answered.value.ok
    expect(page.locator("#head")).to_contain_text("188/113")
    expect(page.get_by_label("上转")).to_be_checked()


def test_the_keyboard_alone_answers(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    page = opened(visit, "/")

    def tab_to(selector: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        pytest.fail(f"the keyboard does not reach {selector}")

    tab_to(f"#go-{episode}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/episodes/{episode}")
    tab_to("input[name=disposition]")
    page.keyboard.press("ArrowRight")
    tab_to("select[name=doctor]")
    page.keyboard.press("ArrowDown")
    tab_to("button.primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("已记录")
    assert town.run("SELECT state FROM episode") == [("answered",)]


def test_news_that_comes_while_an_answer_is_on_its_way_is_not_lost(
    town: Town, visit: Visit
) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李建国")
    page = visit().new_page()
    with page.expect_response("**/live/feed*"):
        page.goto("/")
    page.evaluate(HEAR)
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/live/feed*", hold_the_first)
    town.red("r-01")
    until(page, lambda: bool(held))
    answer = held[0].fetch()
    page.evaluate("delete document.body.dataset.heard")
    town.red("r-02")
    page.wait_for_selector("body[data-heard]")
    held[0].fulfill(response=answer)
    expect(page.locator(".card")).to_have_count(2)


def test_the_focus_stays_when_the_list_changes(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李建国")
    first = town.red("r-01")
    page = opened(visit, "/")
    page.locator(f"#go-{first}").focus()
    town.red("r-02")
    expect(page.locator(".card")).to_have_count(2)
    expect(page.locator(f"#go-{first}")).to_be_focused()


def test_the_language_switch_keeps_the_page(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    page = opened(visit, f"/episodes/{episode}")
    page.get_by_role("button", name="Switch to English").click()
    expect(page).to_have_url(re.compile(f"/episodes/{episode}$"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("button", name="I have answered")).to_be_visible()
    page.goto("/")
    expect(page.locator(".card .next")).to_have_text(re.compile("telephones 王医生 in (1|2) min"))


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_narrow_phone_needs_no_sideways_scroll(
    town: Town, visit: Visit, feed_url: str, language: str
) -> None:
    episodes = story(town)
    context = visit(width=360, height=740)
    context.add_cookies([{"name": "language", "value": language, "url": feed_url}])
    page = context.new_page()
    paths = ["/", "/residents/r-01", "/operations", town.link_of(episodes["red"]), "/p/dead"]
    paths += [f"/episodes/{number}" for number in episodes.values()]
    for path in paths:
        page.goto(path)
        assert page.evaluate(OVERFLOW) <= 0, path
        assert page.evaluate(TOO_SMALL) == [], path


def test_no_request_leaves_and_no_rule_is_broken(town: Town, visit: Visit, feed_url: str) -> None:
    episodes = story(town)
    context = visit()
    asked: list[str] = []
    complaints: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    context.on("request", note)
    context.on("console", lambda message: complaints.append(message.text))
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in ("/", f"/episodes/{episodes['red']}", "/residents/r-01", "/operations"):
        with page.expect_response(re.compile("/live/")):
            page.goto(path)
    page.goto(town.link_of(episodes["red"]))
    assert asked
    assert [url for url in asked if not url.startswith(feed_url + "/")] == []
    assert complaints == []


def test_a_lost_connection_is_said_and_mended(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 128, 78, ago=timedelta(minutes=5))
    town.evaluate()
    settings = FeedSettings(town.database_url, SECRET, port=0)
    page = visit().new_page()
    with serving(settings) as url:
        with page.expect_response(re.compile("/live/")):
            page.goto(url)
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.get_by_text("没有进行中的告警")).to_be_visible()
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#banner")).to_contain_text("连接中断")
    with serving(FeedSettings(town.database_url, SECRET, port=int(url.rpartition(":")[2]))):
        expect(page.locator("#banner")).to_be_hidden()


def test_while_it_cannot_ask_it_never_says_none(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    town.reads("r-01", 128, 78, ago=timedelta(minutes=5))
    town.evaluate()
    context = visit()
    page = context.new_page()
    page.goto("/")
    expect(page.locator(".tile-number.known").first).to_be_visible()
    context.route("**/live/**", lambda route: route.abort())
    town.run("SELECT pg_notify('yikao_changed', '')")
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator(".known").first).to_be_hidden()
    expect(page.locator(".when-stale").first).to_be_visible()
    context.unroute("**/live/**")
    town.run("SELECT pg_notify('yikao_changed', '')")
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator(".tile-number.known").first).to_be_visible()


def test_tabs_in_the_background_leave_room_for_others(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    context = visit()
    context.add_init_script(
        "window.seen = false;Object.defineProperty(document, 'hidden', {get: () => !window.seen});"
    )
    # A browser opens six connections to one address: eight streams would block everything.
    tabs = [context.new_page() for _ in range(8)]
    for tab in tabs:
        tab.goto("/")
    expect(tabs[-1].locator(".tiles")).to_be_visible()
    tabs[0].evaluate("window.seen = true; document.dispatchEvent(new Event('visibilitychange'))")
    town.red("r-01")
    expect(tabs[0].locator(".card")).to_contain_text("张秀英")
    expect(tabs[0].locator("#banner")).to_be_hidden()


@pytest.mark.parametrize("button", ["我来处理", "确认处理"])
def test_a_link_on_a_phone_answers_with_two_taps(town: Town, visit: Visit, button: str) -> None:
    """What was ticked counts, whichever of the two buttons is pressed."""
    town.resident("r-01", "张秀英")
    link = town.link_of(town.red("r-01"))
    page = opened(visit, link, width=360, height=740, has_touch=True)
    page.get_by_label("已电话").tap()
    page.get_by_role("button", name=button).tap()
    expect(page.get_by_text(re.compile(r"已由您 \d\d:\d\d 处理"))).to_be_visible()
    assert town.run("SELECT answered_by, disposition FROM episode") == [("wang", "called")]


def test_a_link_on_a_phone_is_taken_with_one_tap(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    page = opened(visit, town.link_of(town.red("r-01")), width=360, height=740, has_touch=True)
    page.get_by_role("button", name="我来处理").tap()
    expect(page.get_by_text(re.compile(r"已由您 \d\d:\d\d 接手"))).to_be_visible()
    page.get_by_label("已电话").tap()
    page.get_by_role("button", name="确认处理").tap()
    expect(page.get_by_text(re.compile(r"已由您 \d\d:\d\d 处理"))).to_be_visible()
    assert town.run("SELECT answered_by, disposition FROM episode") == [("wang", "called")]


def test_it_reads_without_scripts(town: Town, visit: Visit) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    page = opened(visit, f"/episodes/{episode}", java_script_enabled=False)
    page.get_by_label("误报").check()
    answering(page).get_by_label("处理医生").select_option("li")
    page.get_by_role("button", name="确认处理").click()
    expect(page.get_by_role("status")).to_contain_text("已记录")
