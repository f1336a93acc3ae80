"""The words of a page: both languages alike, short, and with nothing private in them by type."""

import dataclasses
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.compose import BODY_MAX, LANGUAGES, PageFacts, compose, load_texts
from yikao_alerts.rules.model import PAGING

SOME = PageFacts(7, "page_now", minutes=0, count=1, unconfirmed=False, late=False)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_keys_and_places_are_the_same_in_every_language() -> None:
    first, *others = (load_texts(language) for language in LANGUAGES)
    for other in others:
        assert {table: set(texts) for table, texts in other.items()} == {
            table: set(texts) for table, texts in first.items()
        }
        for table, texts in first.items():
            for key, text in texts.items():
                assert places(other[table][key]) == places(text), f"{table}.{key}"


def test_every_severity_that_pages_has_its_word() -> None:
    for language in LANGUAGES:
        assert set(load_texts(language)["severity"]) == set(PAGING)


def test_what_a_page_may_say_holds_no_name_and_no_value() -> None:
    kinds = {field.name: field.type for field in dataclasses.fields(PageFacts)}
    assert kinds.pop("severity") is str, "a word of ours: it is looked up, never shown as it is"
    assert set(kinds.values()) == {int, bool}
    assert set(kinds) == {"episode_id", "minutes", "count", "unconfirmed", "late"}
    with pytest.raises(KeyError):
        compose(dataclasses.replace(SOME, severity="张秀英 186/112"), "zh")


@given(
    st.builds(
        PageFacts,
        episode_id=st.integers(1, 2**63 - 1),
        severity=st.sampled_from(PAGING),
        minutes=st.integers(0, 60 * 24 * 40),
        count=st.integers(1, 250),
        unconfirmed=st.booleans(),
        late=st.booleans(),
    ),
    st.sampled_from(LANGUAGES),
)
def test_a_page_is_short_and_complete(facts: PageFacts, language: str) -> None:
    body = compose(facts, language)
    assert len(body) <= BODY_MAX
    assert "{" not in body
    for number in (f"#{facts.episode_id}", f" {facts.minutes} "):
        assert number in body
    assert (str(facts.count) in body) or facts.count == 1


def test_how_it_reads() -> None:
    assert compose(SOME, "zh") == "【红】医靠 #7 待处理，已等 0 分钟。请打开链接："
    assert compose(SOME, "en") == "[RED] Yikao #7 needs you, waiting 0 min. Open:"
    later = PageFacts(8, "today", minutes=240, count=2, unconfirmed=True, late=True)
    assert compose(later, "zh") == (
        "【今日】医靠 #8 待处理（未复测）（迟到数据，请致电核实），已等 240 分钟，第 2 次呼叫。"
        "请打开链接："
    )
    assert compose(later, "en") == (
        "[TODAY] Yikao #8 needs you (not repeated) (late data, call to check), "
        "waiting 240 min, call no. 2. Open:"
    )
