"""Numbers that are read aloud: a table of how they are said, and a plain reading back of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts import spoken

ZH = {
    0: "零",
    2: "二",
    10: "十",
    12: "十二",
    20: "二十",
    100: "一百",
    101: "一百零一",
    110: "一百一十",
    112: "一百一十二",
    180: "一百八十",
    1005: "一千零五",
    1050: "一千零五十",
    10_000: "一万",
    10_010: "一万零一十",
    100_000: "十万",
    120_305: "十二万零三百零五",
    1_000_001: "一百万零一",
    30_010_000: "三千零一万",
    100_000_002: "一亿零二",
    100_020_000: "一亿零二万",
}
EN = {
    0: "zero",
    7: "seven",
    13: "thirteen",
    42: "forty-two",
    180: "one hundred and eighty",
    1005: "one thousand and five",
    12_345: "twelve thousand three hundred and forty-five",
}
numbers = st.integers(0, spoken.SPOKEN_MAX - 1) | st.integers(0, 20_000)


@pytest.mark.parametrize(("value", "words"), ZH.items())
def test_numbers_in_chinese(value: int, words: str) -> None:
    assert spoken.number(value, "zh") == words


@pytest.mark.parametrize(("value", "words"), EN.items())
def test_numbers_in_english(value: int, words: str) -> None:
    assert spoken.number(value, "en") == words


def read_zh(words: str) -> int:
    """Read a Chinese number plainly: figures times their place, groups times theirs."""
    places = {"十": 10, "百": 100, "千": 1000}
    whole = group = figure = 0
    for word in words.replace("零", ""):
        if word in places:
            group += (figure or 1) * places[word]
            figure = 0
        elif word in "万亿":
            whole += (group + figure) * (10**4 if word == "万" else 10**8)
            group = figure = 0
        else:
            figure = "〇一二三四五六七八九".index(word)
    return whole + group + figure


def read_en(words: str) -> int:
    """Read an English number plainly."""
    ones = {spoken.number(n, "en"): n for n in range(20)}
    tens = {spoken.number(n, "en"): n for n in range(20, 100, 10)}
    sizes = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
    whole = group = 0
    for word in words.replace("-", " ").split():
        if word in sizes:
            whole, group = whole + group * sizes[word], 0
        elif word == "hundred":
            group *= 100
        elif word != "and":
            group += ones.get(word, tens.get(word, 0))
    return whole + group


@given(numbers)
def test_what_is_said_is_what_is_meant(value: int) -> None:
    chinese = spoken.number(value, "zh")
    assert read_zh(chinese) == value
    assert "零零" not in chinese
    assert not chinese.endswith("零") or value == 0
    assert read_en(spoken.number(value, "en")) == value


@given(st.integers(0, 10**18))
def test_a_code_is_said_digit_by_digit(code: int) -> None:
    chinese, english = spoken.digits(code, "zh"), spoken.digits(code, "en")
    assert "".join(str("〇一二三四五六七八九".index(letter)) for letter in chinese) == str(code)
    assert len(english.split()) == len(str(code))


def test_codes_spans_and_times() -> None:
    assert spoken.digits(2026, "zh") == "二〇二六"
    assert spoken.digits("007", "en") == "zero zero seven"
    assert spoken.minutes(0, "zh") == "零分钟"
    assert spoken.minutes(2, "zh") == "两分钟"
    assert spoken.minutes(12, "zh") == "十二分钟"
    assert spoken.minutes(120, "zh") == "两小时"
    assert spoken.minutes(135, "zh") == "两小时十五分钟"
    assert spoken.minutes(61, "en") == "one hour one minute"
    assert spoken.minutes(1, "en") == "one minute"
    assert spoken.clock_time(2, 5, "zh") == "两点零五分"
    assert spoken.clock_time(14, 30, "zh") == "十四点三十分"
    assert spoken.clock_time(0, 0, "zh") == "零点整"
    assert spoken.clock_time(8, 5, "en") == "eight oh five"
    assert spoken.clock_time(8, 0, "en") == "eight o'clock"
