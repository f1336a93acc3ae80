"""A panel made ready for the acute lane: whose readings to look at, and where arrival matters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from yikao_alerts.backtest.acute import Case, Habit
from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.days import home_day
from yikao_alerts.backtest.digits import Ints, Mask
from yikao_alerts.backtest.instants import micros, micros_of, moment
from yikao_alerts.backtest.items import Items, namesakes
from yikao_alerts.backtest.loud import concerns, crisis, loud, with_neighbours
from yikao_alerts.backtest.own import Unlike
from yikao_alerts.backtest.panel import Panel
from yikao_alerts.backtest.vector import sittings
from yikao_alerts.backtest.vocabulary import KINDS, SLOTS, SYMPTOM, UNIT_NAMES
from yikao_alerts.history import FIELDS, UNITS, Profile
from yikao_alerts.quiet import neighbourhood
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import ClockError, UnitDoubt
from yikao_alerts.rules.model import RuleSet

_REPORT: Final = KINDS.index(SYMPTOM)


@dataclass(frozen=True, slots=True)
class Watch:
    """A panel and all that is known of its rows. people: one for each resident of the panel.

    days: the home's day of each row. bad: implausible rows. strange: rows unlike their residents'
    own.
    """

    panel: Panel
    people: Sequence[Resident]
    zone: ZoneInfo
    days: Ints
    bad: Mask
    strange: Unlike

    def cases(self, rules: RuleSet) -> Iterator[Case]:
        """Yield each resident who has anything that a rule may meet."""
        rows = self.panel.rows
        sitting = sittings(rows)
        marks = self._marks(rules, sitting)
        near = micros(neighbourhood(rules))
        strange = self.strange.mask(rows.size)
        live = self._beside(marks.odd | marks.untimely, marks.loud, near)
        # Who measured matters to the rounds after a crisis, and to nothing else.
        live |= self._beside(strange, marks.crisis, near)
        alone = (marks.odd | strange) & ~live
        chosen = marks.loud | marks.odd | marks.untimely | live
        kept = with_neighbours(self.panel, chosen, self.bad, sitting, rules)
        items = Items(self.panel, self.bad, namesakes(rows))
        for number, name in enumerate(self.panel.residents):
            first, last = self.panel.bounds[number : number + 2].tolist()
            own, single, heeded = (
                np.flatnonzero(mask[first:last]) + first for mask in (kept, alone, live)
            )
            if own.size or single.size:
                yield Case(
                    name,
                    self.people[number],
                    items.of(own),
                    self._stretches(heeded, near),
                    items.of(single),
                    Habits.of(self, first, last).at,
                )

    def _marks(self, rules: RuleSet, sitting: Ints) -> "Marks":
        """Return which rows may be met, came untimely, or ask for the resident's own past."""
        rows = self.panel.rows
        years = _years(rows)
        odd = self._new_devices() | self._doubted(rules) | (rows["kind"] == _REPORT)
        of = concerns(self.people, years, rules)
        found = loud(self.panel, of, self.bad, sitting)
        return Marks(found, crisis(self.panel, of, found), self._untimely(rules), odd)

    def _untimely(self, rules: RuleSet) -> Mask:
        """Return the rows that came late, or say they were made after they came or long ago; and
        those of one moment that came in another order than they stand here."""
        rows = self.panel.rows
        age = rows["received"] - rows["at"]
        found: Mask = age > micros(rules.late.late_after)
        overtaken = rows["received"][:-1] > rows["received"][1:]
        for column in ("resident", "at"):
            overtaken &= rows[column][:-1] == rows[column][1:]
        found[:-1] |= overtaken
        found[1:] |= overtaken
        for rule in rules.rules:
            if isinstance(rule.form, ClockError):
                oldest = datetime(rule.form.year_min, 1, 1, tzinfo=self.zone)
                found |= (-age > micros(rule.form.future)) | (rows["at"] < micros_of(oldest))
        return found

    def _new_devices(self) -> Mask:
        """Return the first row of each device of a resident who had another one before."""
        rows = self.panel.rows
        found = np.zeros(rows.size, bool)
        named = np.flatnonzero(
            np.array([name != "" for name in self.panel.devices])[rows["device"]]
        )
        if named.size:
            pairs = rows["resident"][named].astype(np.int64) << 32 | rows["device"][named]
            firsts = np.sort(named[np.unique(pairs, return_index=True)[1]])
            residents = rows["resident"][firsts]
            found[firsts[1:][residents[1:] == residents[:-1]]] = True
        return found

    def _doubted(self, rules: RuleSet) -> Mask:
        """Return the rows whose unit a rule may doubt."""
        rows = self.panel.rows
        found = np.zeros(rows.size, bool)
        for rule in rules.rules:
            for doubt in rule.form.any if isinstance(rule.form, UnitDoubt) else ():
                values = rows[SLOTS[FIELDS[rule.kind].index(doubt.field)]]
                here = (rows["kind"] == KINDS.index(rule.kind)) & (doubt.low <= values)
                units = [UNIT_NAMES.index(unit) for unit in (doubt.unit, "")]
                found |= here & (values <= doubt.high) & np.isin(rows["unit"], units)
        return found

    def _beside(self, asked: Mask, marked: Mask, near: int) -> Mask:
        """Return the asked rows near which, as measured or as they came, there is a marked one."""
        rows = self.panel.rows
        earliest = int(min(rows["at"].min(initial=0), rows["received"].min(initial=0)))
        latest = int(max(rows["at"].max(initial=0), rows["received"].max(initial=0)))
        line = rows["resident"].astype(np.int64) * (latest - earliest + 2 * near + 1)
        places = (line + rows["at"] - earliest)[marked]
        which = np.flatnonzero(asked)
        own, line = rows[which], line[which]
        first = line + np.minimum(own["at"], own["received"]) - earliest - near
        last = line + np.maximum(own["at"], own["received"]) - earliest + near
        beside = np.zeros(rows.size, bool)
        beside[which] = np.searchsorted(places, last, "right") > np.searchsorted(places, first)
        return beside

    def _stretches(self, live: Ints, near: int) -> list[tuple[datetime, datetime]]:
        rows = self.panel.rows[live]
        first = np.minimum(rows["at"], rows["received"]) - near
        last = np.maximum(rows["at"], rows["received"]) + near
        return [
            (moment(one), moment(other))
            for one, other in zip(first.tolist(), last.tolist(), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Marks:
    """Rows that may be met by a rule (`loud`), that came `untimely`, and `odd` ones, judged
    by what was known when they came."""

    loud: Mask
    crisis: Mask
    """Among the loud ones, those after which a re-check may follow."""
    untimely: Mask
    odd: Mask


def _years(rows: Columns) -> list[int]:
    if not rows.size:
        return []
    ends = [moment(int(at)).year for at in (rows["received"].min(), rows["received"].max())]
    return list(range(ends[0], ends[1] + 2))


@dataclass(frozen=True, slots=True)
class Habits:
    """What was usual for one resident, day by day.

    devices: the first day of each. units: of each kind the first day and the unit, "" where it was
    not always the same. strange: when the strange readings came, with the profile of each.
    """

    zone: ZoneInfo
    devices: Sequence[tuple[int, str]]
    units: Sequence[tuple[int, str, str]]
    strange: Sequence[tuple[datetime, Profile]]

    @classmethod
    def of(cls, watch: Watch, first: int, last: int) -> "Habits":
        """Return the habits of the resident whose rows lie from `first` to `last`."""
        rows, days = watch.panel.rows[first:last], watch.days[first:last]
        numbers, places = np.unique(rows["device"], return_index=True)
        names = [watch.panel.devices[number] for number in numbers.tolist()]
        devices = [(int(days[at]), name) for at, name in zip(places, names, strict=True) if name]
        units = []
        for number, kind in enumerate(UNITS):
            own = np.flatnonzero(rows["kind"] == number)
            if own.size:
                held = np.unique(rows["unit"][own]).tolist()
                usual = UNIT_NAMES[held[0]] if len(held) == 1 else ""
                units.append((int(days[own[0]]), kind, usual))
        strange = [
            (moment(int(watch.panel.rows["received"][row])), profile)
            for row, profile in watch.strange.between(first, last)
        ]
        return cls(watch.zone, devices, units, strange)

    def at(self, now: datetime) -> Habit:
        """Return what was usual when the home's day of `now` began.

        The profile is that of the strange reading nearest in time: nothing else asks for one.
        """
        today = home_day(now, self.zone)
        nearest = min(self.strange, key=lambda each: abs(each[0] - now), default=None)
        return Habit(
            nearest[1] if nearest is not None else None,
            frozenset(name for day, name in self.devices if day < today),
            {kind: unit for day, kind, unit in self.units if day < today and unit},
        )
