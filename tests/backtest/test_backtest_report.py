"""The report, opened by a real browser: whole, in two languages, and asking nobody for anything."""

from pathlib import Path

import pytest
from backtest_parts import as_csv, at, command, pressure, sugar
from playwright.sync_api import Browser


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A report over two residents, one with a name that is no HTML."""
    file, out = tmp_path / "readings.csv", tmp_path / "report.html"
    rows = [pressure("<b>&", at(8 + n / 30, d), 188, 112) for d in range(20) for n in (0, 1)]
    rows += [sugar("li", at(7, day), 3.9) for day in range(20)]
    file.write_text(as_csv(rows), "utf-8")
    done = command(file, "--html", out, "--rules", "international", "--against", "cn")
    assert done.returncode == 0, done.stderr
    return out


def test_the_page_needs_nothing_but_itself(report: Path, browser: Browser) -> None:
    page = browser.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    assert asked == [report.as_uri()] and said == []
    assert page.title().startswith("规则回测报告")
    assert page.locator("svg").count() >= 6
    assert page.get_by_text("<b>&").first.is_visible()
    page.close()


def test_one_language_is_shown_at_a_time(report: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(report.as_uri())
    assert page.get_by_role("heading", name="按规则").is_visible()
    page.get_by_text("English", exact=True).click()
    assert page.get_by_role("heading", name="By rule").is_visible()
    assert not page.get_by_role("heading", name="按规则").is_visible()
    row = page.locator("table tr", has_text="GL-03").first
    assert row.locator("td").nth(2).inner_text() != "0"
    page.close()
