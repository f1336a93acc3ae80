"""The words of a page: both languages alike, as long as their channel carries, and private."""

import dataclasses
import string
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaks import Canaries, all_leaks, leaks

from yikao_alerts import sms_parts
from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.compose import (
    BODY_MAX,
    BOUNDS,
    LANGUAGES,
    PRIVACY,
    PageFacts,
    compose,
    compose_bundle,
    facts_from_json,
    facts_to_json,
    load_texts,
    private,
)
from yikao_alerts.rules import RuleSet
from yikao_alerts.rules.model import PAGING

BEGAN = datetime(2026, 10, 3, 8, 5, tzinfo=ZoneInfo("Asia/Shanghai"))
SOME = PageFacts(
    7, "page_now", 0, 1, unconfirmed=False, late=False, family="bp_high", rule_id="BP-01"
)
LATER = PageFacts(
    *(1234, "page_now", 12, 2),
    unconfirmed=True,
    late=True,
    family="glucose_low",
    rule_id="GL-02",
    since=BEGAN,
)
KINDS = (*BOUNDS, "terminal")
FAMILIES = (*load_texts("zh")["what"], "", "no such family")

facts_made = st.builds(
    PageFacts,
    episode_id=st.integers(1, 2**63 - 1),
    severity=st.sampled_from(PAGING),
    minutes=st.integers(0, 60 * 24 * 40),
    count=st.integers(1, 30_000),
    unconfirmed=st.booleans(),
    late=st.booleans(),
    family=st.sampled_from(FAMILIES),
    rule_id=st.sampled_from(("", "BP-01", "GL-12b", "HELP-01")),
    since=st.none() | st.datetimes(timezones=st.just(ZoneInfo("Asia/Shanghai"))),
)
languages = st.sampled_from(LANGUAGES)
kinds = st.sampled_from(KINDS)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def bound(kind: str) -> int:
    return BOUNDS.get(kind, BODY_MAX)


def test_keys_and_places_are_the_same_in_every_language() -> None:
    first, *others = (load_texts(language) for language in LANGUAGES)
    for other in others:
        assert {table: set(texts) for table, texts in other.items()} == {
            table: set(texts) for table, texts in first.items()
        }
        for table, texts in first.items():
            for key, text in texts.items():
                if table == "bundle_sms" or (table, key) == ("page_sms", "head"):
                    continue  # English has no room to say what it is about
                assert places(other[table][key]) == places(text), f"{table}.{key}"


def test_every_severity_every_family_and_every_kind_has_its_words(rules: RuleSet) -> None:
    paging = {rule.family for rule in rules.rules if rule.severity in PAGING and rule.family}
    for language in LANGUAGES:
        texts = load_texts(language)
        assert set(texts["severity"]) == set(texts["severity_spoken"]) == set(PAGING)
        assert paging <= set(texts["what"])
    assert {*KIND_OF.values()} <= set(KINDS)


def test_what_a_page_may_say_is_of_a_kind_that_cannot_be_private() -> None:
    kinds = {field.name: field.type for field in dataclasses.fields(PageFacts)}
    for looked_up in ("severity", "family"):
        assert kinds.pop(looked_up) is str, "a word of ours: it is looked up, never shown"
    assert kinds.pop("rule_id") is str
    assert (kinds.pop("who"), kinds.pop("values")) == (str, str), "empty but by the centre's policy"
    assert kinds.pop("since") == datetime | None
    assert set(kinds.values()) == {int, bool}
    with pytest.raises(KeyError):
        compose(dataclasses.replace(SOME, severity="张秀英 186/112"), "zh")
    assert "张秀英" not in compose(dataclasses.replace(SOME, family="张秀英"), "zh")


@given(facts_made, languages, kinds)
def test_a_page_is_short_and_complete(facts: PageFacts, language: str, kind: str) -> None:
    body = compose(facts, language, kind)
    assert sms_parts.length(body) <= bound(kind)
    assert "{" not in body
    if kind == "voice":
        assert not any(letter.isdigit() and letter.isascii() for letter in body)
    else:
        assert f"#{facts.episode_id}" in body
    if kind in ("push", "mail"):
        for number in (facts.minutes, *([facts.count] if facts.count > 1 else [])):
            assert str(number) in body
        assert facts.rule_id in body


@given(facts_made, languages, st.text("abcdefghijklmnopqrstuvwxyz.-", min_size=1, max_size=17))
def test_a_text_message_is_one_part_with_its_link(
    facts: PageFacts, language: str, host: str
) -> None:
    link = f"https://{host}/s/abcdefghij_-"
    assert len(link) <= sms_parts.LINK_MAX
    assert sms_parts.parts(compose(facts, language, "sms") + link) == 1
    assert sms_parts.parts(compose_bundle([facts] * 3, language, "sms") + link) == 1


@given(st.lists(facts_made, min_size=1, max_size=60), languages, kinds)
def test_a_bundle_names_what_fits_and_counts_the_rest(
    facts: list[PageFacts], language: str, kind: str
) -> None:
    body = compose_bundle(facts, language, kind)
    assert sms_parts.length(body) <= bound(kind)
    if len(facts) > 1 and kind != "voice":
        assert str(len(facts)) in body
    worst = max(PAGING.index(each.severity) for each in facts)
    spoken = "severity_spoken" if kind == "voice" else "severity"
    assert load_texts(language)[spoken][PAGING[worst]] in body


@given(facts_made)
def test_facts_are_kept_as_they_are(facts: PageFacts) -> None:
    assert compose(facts_from_json(facts_to_json(facts)), "zh") == compose(facts, "zh")


def test_parts_of_a_text_message() -> None:
    sign = sms_parts.length(sms_parts.SIGN)
    assert sms_parts.parts("") == 1
    assert sms_parts.parts("字" * (70 - sign)) == 1
    assert sms_parts.parts("字" * (71 - sign)) == 2
    assert sms_parts.parts("字" * (134 - sign)) == 2
    assert sms_parts.parts("字" * (135 - sign)) == 3
    assert sms_parts.parts("𠮷" * 33) == 1
    assert sms_parts.parts("𠮷" * 34) == 2


def test_how_it_reads() -> None:
    assert compose(SOME, "zh") == (
        "【红】医靠 #7 血压高待处理，已等 0 分钟，规则 BP-01。请打开链接："
    )
    assert compose(SOME, "en") == (
        "[RED] Yikao #7 high blood pressure, needs you, waiting 0 min, rule BP-01. Open:"
    )
    assert compose(LATER, "zh") == (
        "【红】医靠 #1234 血糖低待处理（未复测）（迟到数据，请致电核实），08:05 起，已等 12 分钟，"
        "第 2 次呼叫，规则 GL-02。请打开链接："
    )
    assert compose(dataclasses.replace(LATER, unconfirmed=False, late=False), "zh", "sms") == (
        "红#1234血糖低，08:05起，等12分，第2次。"
    )
    assert compose(LATER, "zh", "voice") == (
        "医靠呼叫。红色，请马上处理。编号一二三四，血糖低，没有复测，是迟到的数据，请致电核实，"
        "八点零五分开始，已等十二分钟，第二次呼叫，规则G L 〇 二。请打开手机里的链接处理。"
    )
    assert compose(LATER, "en", "mail").splitlines()[:2] == [
        "[RED] #1234 low glucose, needs you",
        "Not repeated",
    ]
    yesterday = dataclasses.replace(LATER, minutes=24 * 60)
    assert "10-03 08:05" in compose(yesterday, "zh")


def test_how_a_bundle_reads() -> None:
    today = dataclasses.replace(SOME, episode_id=9, severity="today", minutes=300)
    assert compose_bundle([today, SOME, LATER], "zh") == (
        "【红】医靠 3 件待处理：#1234 血糖低，#7 血压高，#9 血压高。请打开链接："
    )
    assert compose_bundle([SOME], "zh") == compose(SOME, "zh")
    many = [dataclasses.replace(SOME, episode_id=n) for n in range(1000, 1400)]
    assert "400 件" in compose_bundle(many, "zh")
    assert " 等。" in compose_bundle(many, "zh")


CANARIES = Canaries(
    names=("欧阳金丝雀", "Zebedee Quux"),
    numbers=("13900001234", "110101194607079998", "resident-8842-kx"),
    values=("186/112", "2.9"),
)


def test_no_text_of_any_channel_gives_a_resident_away() -> None:
    who, values = private("none", CANARIES.names[0], CANARIES.values[0])
    facts = [
        dataclasses.replace(each, who=who, values=values, minutes=minutes)
        for each in (SOME, LATER)
        for minutes in (0, 35, 600)
    ]
    texts = [
        text
        for language in LANGUAGES
        for kind in KINDS
        for text in (
            *(compose(each, language, kind) for each in facts),
            compose_bundle(facts, language, kind),
        )
    ]
    assert all_leaks(texts, CANARIES) == []


def test_a_centre_may_allow_more() -> None:
    name, value = CANARIES.names[0], CANARIES.values[0]
    assert [private(policy, name, value) for policy in (*PRIVACY, "no such policy")] == [
        ("", ""),
        ("欧**", ""),
        ("欧**", "186/112"),
        ("", ""),
    ]
    who, values = private("values", name, value)
    told = dataclasses.replace(SOME, who=who, values=values, since=BEGAN + timedelta(minutes=1))
    assert "（欧**） 186/112" in compose(told, "zh")
    assert "欧姓居民，一百八十六、一百一十二" in compose(told, "zh", "voice")
    assert leaks(compose(told, "zh"), CANARIES) == ["186/112"]


@pytest.mark.parametrize(
    "text",
    [
        "欧阳 金丝雀",
        "call zebedee",
        "tel 139-0000-1234",
        "一三九〇〇〇〇一二三四",
        "１８６／１１２",
        "值为 186。",
        "一百八十六",
        "RESIDENT-8842-KX",
        "欧阳金丝雀".encode().hex(),
        "b'\\xe6\\xac\\xa7\\xe9\\x98\\xb3\\xe9\\x87\\x91\\xe4\\xb8\\x9d\\xe9\\x9b\\x80'",
    ],
)
def test_the_linter_sees_a_leak(text: str) -> None:
    assert leaks(text, CANARIES)


def test_the_linter_lets_other_numbers_be() -> None:
    assert not leaks("【红】医靠 #186 血压高待处理，18:06 起，已等 1860 分钟，第 12 次", CANARIES)
