"""Calendars: what is exported comes back as it was, and what others write is read or refused."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.rota import Layer, Rota, Rotation, Shift, shifts
from yikao_alerts.rota.ical import BYTES_MAX, CalendarError, export, import_shifts

SHANGHAI = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2027, 1, 4, tzinfo=UTC)
END = BEGIN + timedelta(days=14)
DOCTORS = {"wang": "王医生", "li": "李医生", "o, neil": 'O"Neil; \\n'}
OTHERS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//other//EN
BEGIN:VEVENT
UID:1@other
DTSTAMP:20270101T000000Z
DTSTART;TZID=Asia/Shanghai:20270104T180000
DTEND;TZID=Asia/Shanghai:20270105T080000
RRULE:FREQ=WEEKLY;COUNT=3
EXDATE;TZID=Asia/Shanghai:20270111T180000
SUMMARY:王医生， li
END:VEVENT
BEGIN:VEVENT
UID:2@other
DTSTAMP:20270101T000000Z
DTSTART;VALUE=DATE:20270109
DTEND;VALUE=DATE:20270110
SUMMARY:李医生
END:VEVENT
END:VCALENDAR
"""


def others(text: str, end: datetime = END + timedelta(days=7)) -> list[Shift]:
    return import_shifts(text.replace("\n", "\r\n").encode(), DOCTORS, SHANGHAI, BEGIN, end)


@st.composite
def spans(draw: st.DrawFn) -> list[Shift]:
    """Shifts that follow each other, each longer than a second."""
    at, found = BEGIN, []
    for seconds in draw(st.lists(st.integers(60, 90_000), max_size=12)):
        who = draw(st.lists(st.sampled_from(sorted(DOCTORS)), min_size=1, unique=True))
        found.append(Shift(at, at + timedelta(seconds=seconds), tuple(who)))
        at = found[-1].end
    return found


@given(spans())
@examples(50)
def test_what_is_exported_comes_back_as_it_was(found: list[Shift]) -> None:
    content = export("总值班", "duty", found, DOCTORS, BEGIN)
    assert import_shifts(content, DOCTORS, SHANGHAI, BEGIN, END) == found


def test_a_rota_comes_back_and_has_the_same_names_each_time() -> None:
    zone = ZoneInfo("Europe/Berlin")
    rota = Rota("duty", zone, (Layer(Rotation(("wang", "li"), date(2027, 3, 22))),))
    begin = datetime(2027, 3, 25, tzinfo=UTC)
    found = shifts(rota, begin, begin + timedelta(days=7))
    content = export("duty", "duty", found, DOCTORS, BEGIN)
    assert import_shifts(content, DOCTORS, zone, begin, begin + timedelta(days=7)) == found
    assert content == export("duty", "duty", found, DOCTORS, BEGIN)
    assert "王医生" in content.decode()


def test_a_hole_is_no_event() -> None:
    content = export("duty", "duty", [Shift(BEGIN, END, ())], DOCTORS, BEGIN)
    assert b"VEVENT" not in content


def test_another_program_s_calendar_is_written_out() -> None:
    first, day, last = others(OTHERS)
    assert first == Shift(BEGIN.replace(hour=10), BEGIN.replace(day=5), ("wang", "li"))
    assert day.doctors == ("li",)
    assert day.end - day.begin == timedelta(days=1)
    assert last.begin == first.begin + timedelta(days=14)


def test_what_lies_outside_is_cut_off() -> None:
    (first,) = others(OTHERS, BEGIN + timedelta(hours=12))
    assert first.end == BEGIN + timedelta(hours=12)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no calendar"),
        ("hello", "no calendar"),
        (OTHERS.replace("SUMMARY:李医生", "SUMMARY:赵医生"), "2027-01-09 00:00.*赵医生"),
        (OTHERS.replace("SUMMARY:李医生\n", ""), "names ''"),
        ("x" * (BYTES_MAX + 1), "fewer days"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(CalendarError, match=told):
        others(text)


@given(st.binary(max_size=200))
@examples(50)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        import_shifts(content, DOCTORS, SHANGHAI, BEGIN, END)
    except CalendarError as error:
        assert str(error)
