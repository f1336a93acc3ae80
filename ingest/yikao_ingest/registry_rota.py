"""Centres, rotas and holidays in the registry file: how the parts of an entry are checked.

A rota is checked as a whole: who takes turns must be among the doctors, another rota among the
rotas, and no rota may refer back to itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from yikao_alerts.rota.model import MEMBERS_MAX, SHIFT_DAYS_MAX
from yikao_alerts.rota.when import DAY_WORDS, OFFDAY, WORKDAY

HOLIDAY_KINDS: Final = (OFFDAY, WORKDAY)
HAND_OVER: Final = "08:00"
"""When shifts begin where the file says nothing."""
TURN_KEYS: Final = ("members", "start", "shift_days", "hand_over")
LAYER_KEYS: Final = (*TURN_KEYS, "rota", "days", "from", "until", "first_day", "last_day")

Entry = Mapping[str, Any]


def check_day(value: Any) -> str | None:
    """Return the fix when a value is no day."""
    good = isinstance(value, date) and not isinstance(value, datetime)
    return None if good else "Write a day without quotes, 2027-01-04"


def check_clock_time(value: Any) -> str | None:
    """Return the fix when a value is no time of the wall clock, to the minute."""
    fix = 'Write a time of the wall clock, "08:00"'
    try:
        at = time.fromisoformat(value)
    except (TypeError, ValueError):
        return fix
    return None if at.tzinfo is None and at.second == at.microsecond == 0 else fix


def check_specialists(value: Any) -> str | None:
    """Return the fix when a value is no list of specialties with a rota for each."""
    good = isinstance(value, list) and all(
        isinstance(one, dict)
        and set(one) == {"specialty", "rota"}
        and all(isinstance(text, str) and text.strip() for text in one.values())
        for one in value
    )
    return None if good else 'Write [{ specialty = "...", rota = "..." }]'


def check_layers(value: Any) -> str | None:
    """Return the fix when a value is no list of layers."""
    if not isinstance(value, list) or not value or not all(isinstance(one, dict) for one in value):
        return 'Write at least one: layers = [{ members = ["..."], start = 2027-01-04 }]'
    return next((fix for layer in value if (fix := _check_layer(layer))), None)


def _check_layer(layer: Entry) -> str | None:
    if unknown := set(layer) - set(LAYER_KEYS):
        return f"A layer has no {sorted(unknown)[0]}; it has {', '.join(LAYER_KEYS)}"
    if ("rota" in layer) == ("members" in layer):
        return "A layer has either members who take turns, or another rota"
    if "rota" in layer and any(key in layer for key in TURN_KEYS):
        return "A layer with another rota takes its turns from there: write no start, no hand_over"
    return _check_turns(layer) or _check_hours(layer) or _check_temporary(layer)


def _check_turns(layer: Entry) -> str | None:
    if "rota" in layer:
        return None if isinstance(layer["rota"], str) else 'Write rota = "...", its id'
    members, days = layer["members"], layer.get("shift_days", 1)
    named = isinstance(members, list) and all(isinstance(one, str) for one in members)
    if not named or not 0 < len(members) <= MEMBERS_MAX:
        return f'Write members = ["...", "..."], 1 to {MEMBERS_MAX} doctors in order'
    if not isinstance(days, int) or isinstance(days, bool) or not 0 < days <= SHIFT_DAYS_MAX:
        return f"shift_days is a whole number from 1 to {SHIFT_DAYS_MAX}: 1 daily, 7 weekly"
    if "start" not in layer or check_day(layer["start"]):
        return "Write start = 2027-01-04, the day on which the first member begins"
    return check_clock_time(layer.get("hand_over", HAND_OVER))


def _check_hours(layer: Entry) -> str | None:
    given = [key for key in ("days", "from", "until") if key in layer]
    if not given:
        return None
    if len(given) < 3:
        return 'Hours need all of days = ["workday"], from = "08:00", until = "18:00"'
    days = layer["days"]
    if not isinstance(days, list) or not days or not all(day in DAY_WORDS for day in days):
        return f"days is a list of {', '.join(DAY_WORDS)}"
    return check_clock_time(layer["from"]) or check_clock_time(layer["until"])


def _check_temporary(layer: Entry) -> str | None:
    ends = [layer[key] for key in ("first_day", "last_day") if key in layer]
    if fix := next((fix for end in ends if (fix := check_day(end))), None):
        return fix
    return None if ends == sorted(ends) else "last_day lies before first_day"


def references(rotas: Sequence[Entry], doctors: set[Any]) -> Iterator[tuple[int, str, str]]:
    """Yield what layers refer to that is not there, or only leads in a circle.

    rotas: every entry of the table, its layers checked. Yields its index, what is wrong, the fix.
    """
    known = {rota.get("id"): rota for rota in rotas}
    for index, rota in enumerate(rotas):
        for layer in rota["layers"]:
            for doctor in layer.get("members", ()):
                if doctor not in doctors:
                    yield index, f"member {doctor!r} is not among the doctors", "Add the doctor"
            if "rota" in layer and layer["rota"] not in known:
                yield index, f"rota {layer['rota']!r} is not among the rotas", "Add the rota"
        if _circle(rota.get("id"), known):
            yield index, f"rota {rota.get('id')!r} refers back to itself", "Name members in one"


def specialist_references(centres: Sequence[Entry], rotas: set[Any]) -> Iterator[tuple[int, str]]:
    """Yield rotas of specialists that are not there, with the centre's index."""
    for index, centre in enumerate(centres):
        for one in centre.get("specialists", ()):
            if one["rota"] not in rotas:
                yield index, f"rota {one['rota']!r} is not among the rotas"


def _circle(start: Any, known: Mapping[Any, Entry]) -> bool:
    """Return whether following a rota's references leads back to it."""
    waiting: list[Any] = [start]
    seen: set[Any] = set()
    while waiting:
        following = {layer.get("rota") for layer in known[waiting.pop()]["layers"]} & known.keys()
        if start in following:
            return True
        waiting += following - seen
        seen |= following
    return False
