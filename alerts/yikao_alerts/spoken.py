"""Numbers as a voice says them: a machine that reads a page aloud to somebody who was asleep gets
words, not digits that it may read in another way than we mean.

A quantity is said as one (一百八十), a code digit by digit (一二三四), a year as Chinese says it
(二〇二六). Before a measure word two is 两. Source: GB/T 15835-2011, numerals in Chinese text.
"""

import re
from typing import Final

SPOKEN_MAX: Final = 10**12
"""The first number that is not said as one: nobody would follow it."""

_DIGITS_ZH: Final = "〇一二三四五六七八九"
_FIGURES: Final = frozenset("0123456789")
_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_ZERO_ZH: Final = "零"
_PLACES_ZH: Final = ((1000, "千"), (100, "百"), (10, "十"), (1, ""))
_GROUPS_ZH: Final = ((10**8, "亿"), (10**4, "万"), (1, ""))
_MINUTES_AN_HOUR: Final = 60

_ONES_EN: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS_EN: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_GROUPS_EN: Final = ((10**9, "billion"), (10**6, "million"), (10**3, "thousand"), (1, ""))


def number(value: int, language: str) -> str:
    """Return a quantity in words, 0 <= value < `SPOKEN_MAX`."""
    assert 0 <= value < SPOKEN_MAX, "a number that is read aloud is bounded"
    return _number_zh(value) if language == "zh" else _number_en(value)


def digits(code: int | str, language: str) -> str:
    """Return a code or a year, digit by digit; code: digits 0 to 9 alone."""
    figures = [int(letter) for letter in str(code)]
    if language == "zh":
        return "".join(_DIGITS_ZH[figure] for figure in figures)
    return " ".join(_ONES_EN[figure] for figure in figures)


def code(text: str, language: str) -> str:
    """Return the name of a rule or the like, letter by letter and digit by digit; signs unsaid."""
    said = (digits(c, language) if c in _FIGURES else c for c in text if c.isalnum())
    return " ".join(said)


def values(text: str, language: str) -> str:
    """Return a text with its numbers in words: 186/112 is said as 一百八十六、一百一十二."""
    between = "、" if language == "zh" else ", "
    point = "点" if language == "zh" else " point "

    def say(found: re.Match[str]) -> str:
        whole, _, fraction = found[0].partition(".")
        tail = point + digits(fraction, language) if fraction else ""
        # More figures than a measurement has are a code.
        return (number(int(whole), language) if len(whole) < 7 else digits(whole, language)) + tail

    return _NUMBER.sub(say, text.replace("/", between))


def count(value: int, language: str) -> str:
    """Return a quantity as it stands before a measure word: 两 for two."""
    return "两" if language == "zh" and value == 2 else number(value, language)


def minutes(value: int, language: str) -> str:
    """Return a span of so many minutes, 0 <= value; from an hour on in hours and minutes."""
    hours, rest = divmod(value, _MINUTES_AN_HOUR)
    parts = [_span(hours, ("小时", "hour"), language)] if hours else []
    if rest or not hours:
        parts.append(_span(rest, ("分钟", "minute"), language))
    return "".join(parts) if language == "zh" else " ".join(parts)


def clock_time(hour: int, minute: int, language: str) -> str:
    """Return a time of day: 八点零五分, eight oh five."""
    if language == "zh":
        # Two o'clock is 两点, but the second minute is 零二分.
        small = f"{_ZERO_ZH}{_number_zh(minute)}" if minute < 10 else _number_zh(minute)
        return f"{count(hour, language)}点{small}分" if minute else f"{count(hour, language)}点整"
    if not minute:
        return f"{_number_en(hour)} o'clock"
    return f"{_number_en(hour)} {'oh ' if minute < 10 else ''}{_number_en(minute)}"


def _span(value: int, unit: tuple[str, str], language: str) -> str:
    if language == "zh":
        return f"{count(value, language)}{unit[0]}"
    return f"{_number_en(value)} {unit[1]}{'' if value == 1 else 's'}"


def _number_zh(value: int) -> str:
    if value == 0:
        return _ZERO_ZH
    words, gap = "", False
    for size, name in _GROUPS_ZH:
        group, value = divmod(value, size)
        if group == 0:
            # A group of nothing between others is one zero, however long it is.
            gap = bool(words)
            continue
        words += _ZERO_ZH if words and (gap or group < 1000) else ""
        words += f"{_group_zh(group)}{name}"
        gap = False
    # Ten to nineteen, also of tens of thousands, begin without a one: 十二, 十万.
    return words.removeprefix("一") if words.startswith("一十") else words


def _group_zh(group: int) -> str:
    """Return 1 to 9999 in words: one zero stands for any run of them inside."""
    words, gap = "", False
    for size, name in _PLACES_ZH:
        figure, group = divmod(group, size)
        if figure:
            words += f"{_ZERO_ZH if gap else ''}{_DIGITS_ZH[figure]}{name}"
        gap = not figure and bool(words)
    return words


def _number_en(value: int) -> str:
    if value < 1000:
        return _group_en(value)
    words: list[str] = []
    for size, name in _GROUPS_EN:
        group, value = divmod(value, size)
        if group:
            # A last group below a hundred is joined as it is spoken: one thousand and five.
            joined = "and " if words and size == 1 and group < 100 else ""
            words.append(f"{joined}{_group_en(group)} {name}".rstrip())
    return " ".join(words)


def _group_en(group: int) -> str:
    hundreds, rest = divmod(group, 100)
    if not hundreds:
        return _below_hundred_en(rest)
    tail = f" and {_below_hundred_en(rest)}" if rest else ""
    return f"{_ONES_EN[hundreds]} hundred{tail}"


def _below_hundred_en(value: int) -> str:
    if value < len(_ONES_EN):
        return _ONES_EN[value]
    tens, ones = divmod(value, 10)
    return _TENS_EN[tens] + (f"-{_ONES_EN[ones]}" if ones else "")
