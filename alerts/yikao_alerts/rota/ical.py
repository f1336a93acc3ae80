"""Shifts as a calendar that other programs show, and a calendar of theirs as shifts.

For exchange only: what is on call is decided by our tables. Standard: RFC 5545 (iCalendar), with
each shift an event of its own in UTC, and the doctors' ids in X-YIKAO-DOCTORS. The only file that
imports icalendar and recurring_ical_events.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from yikao_alerts.rota.model import Shift

PRODUCT: Final = "-//Yikao//on call//EN"
DOCTORS: Final = "X-YIKAO-DOCTORS"
NAMESPACE: Final = UUID("5b9b3a0e-6a94-5a0c-9d37-6f6e2d63616c")
BYTES_MAX: Final = 4_000_000
EVENTS_MAX: Final = 10_000
"""A year of three shifts a day, ten times over; a larger calendar is refused."""


class CalendarError(ValueError):
    """A calendar that cannot be read as shifts; the text says what to do."""


def export(
    name: str, rota_id: str, spans: Iterable[Shift], doctors: Mapping[str, str], now: datetime
) -> bytes:
    """Return spans as a calendar; those with nobody on call are left out.

    doctors: names by id, for people; the same span has the same UID at each export.
    """
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    for shift in spans:
        if shift.doctors:
            calendar.add_component(_event(rota_id, shift, doctors, now))
    content: bytes = calendar.to_ical()
    return content


def _event(
    rota_id: str, shift: Shift, doctors: Mapping[str, str], now: datetime
) -> icalendar.Event:
    event = icalendar.Event()
    uid = uuid5(NAMESPACE, f"{rota_id}|{shift.begin.isoformat()}|{'|'.join(shift.doctors)}")
    event.add("uid", f"{uid}@yikao")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", shift.begin.astimezone(UTC))
    event.add("dtend", shift.end.astimezone(UTC))
    event.add("summary", ", ".join(doctors.get(doctor, doctor) for doctor in shift.doctors))
    for doctor in shift.doctors:
        event.add(DOCTORS, doctor)
    return event


def import_shifts(
    content: bytes,
    doctors: Mapping[str, str],
    zone: ZoneInfo,
    begin: datetime,
    end: datetime,
) -> list[Shift]:
    """Return the shifts of a calendar between `begin` and `end`, repeated events written out.

    Who is meant is told by X-YIKAO-DOCTORS, else by a doctor's id or name as the event's title,
    several with commas. Times without a zone are `zone`'s. Refuses with `CalendarError` what is no
    calendar, and the first event that names nobody we know.
    """
    if len(content) > BYTES_MAX:
        raise CalendarError(f"the calendar has more than {BYTES_MAX} bytes: export fewer days")
    by_name = {name: doctor for doctor, name in doctors.items()} | {d: d for d in doctors}
    try:
        calendar = icalendar.Calendar.from_ical(content)
        events = recurring_ical_events.of(calendar).between(begin, end)
        found = [_shift(event, by_name, zone) for event in _bounded(events)]
    except CalendarError:
        raise
    except Exception as error:  # the two libraries raise dozens of kinds for a damaged calendar
        raise CalendarError(f"this is no calendar that can be read, {error}") from error
    kept = (Shift(max(s.begin, begin), min(s.end, end), s.doctors) for s in found)
    return sorted((s for s in kept if s.begin < s.end), key=lambda s: (s.begin, s.end, s.doctors))


def _bounded(events: Sequence[Any]) -> Sequence[Any]:
    if len(events) > EVENTS_MAX:
        raise CalendarError(f"the calendar has more than {EVENTS_MAX} shifts: take fewer days")
    return events


def _shift(event: Any, by_name: Mapping[str, str], zone: ZoneInfo) -> Shift:
    begin, end = _moment(event.start, zone), _moment(event.end, zone)
    given = event.get(DOCTORS)
    named = given if isinstance(given, list) else [given] if given is not None else None
    titles = (
        named if named is not None else str(event.get("summary", "")).replace("，", ",").split(",")
    )
    doctors = []
    for title in (str(title).strip() for title in titles):
        if title not in by_name:
            at = begin.astimezone(zone).isoformat(sep=" ", timespec="minutes")
            raise CalendarError(
                f"the event of {at} names {title!r}, who is no doctor of the registry: "
                "write a doctor's id or name as its title"
            )
        doctors.append(by_name[title])
    return Shift(begin, end, tuple(dict.fromkeys(doctors)))


def _moment(at: date, zone: ZoneInfo) -> datetime:
    """Return a time of an event in UTC; a day without a time begins at midnight."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time(), zone)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
