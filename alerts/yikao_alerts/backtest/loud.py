"""Which readings a back-test has to look at closely, so that the others need not be.

Of a year of readings most can be met by no rule (`quiet.py` says it of the rules themselves). Two
things are added here over columns: what a rule counts ("twice within 48 hours") is loud only where
it could be counted, and what lies near a loud reading is kept with it, for it may be its repeat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.digits import Ints, Mask
from yikao_alerts.backtest.instants import micros
from yikao_alerts.backtest.panel import Panel
from yikao_alerts.backtest.vector import (
    bits_of,
    crowded,
    in_contexts,
    met,
    passes,
    reached,
    sittings,
    values_of,
)
from yikao_alerts.backtest.vocabulary import FLAG_NAMES, KINDS, SYMPTOM
from yikao_alerts.plan import Plan, plan_of
from yikao_alerts.quiet import Screen, neighbourhood, screens
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import IN_SESSION, READINGS, SESSIONS, OnReading, Times
from yikao_alerts.rules.model import Rule, RuleSet
from yikao_alerts.series import MEAN_DIGITS, NOT_AT_REST, SESSION_GAP
from yikao_alerts.targets import effective_targets

_REPORT: Final = KINDS.index(SYMPTOM)
_ROUNDING: Final = 10.0**-MEAN_DIGITS
"""A mean taken here may differ so much from the evaluator's: what is so near a limit counts."""


@dataclass(frozen=True, slots=True)
class Concern:
    """What may matter to some residents: a screen for each kind, and rules that count.

    crises: the screens of those rules alone after which a re-check follows.
    """

    screens: Mapping[str, Screen]
    crises: Mapping[str, Screen]
    counting: tuple[Rule, ...]


def concern_of(plan: Plan) -> Concern:
    """Return what may matter to the residents of a plan."""
    rules = [*(rule for own in plan.judged.values() for rule in own), *plan.quality]
    counting = tuple(r for r in rules if isinstance(r.form, OnReading) and r.form.times)
    alone = [rule for rule in rules if rule not in counting]
    rechecked = [rule for rule in rules if rule.recheck is not None]
    return Concern(screens(alone), screens(rechecked), counting)


def concerns(
    people: Sequence[Resident], years: Sequence[int], rules: RuleSet
) -> list[tuple[Concern, Ints]]:
    """Return each different concern, and the numbers of the residents who have it in some year."""
    acute = [rule for rule in rules.rules if rule.lane == "acute"]
    forms = [rule.form for rule in acute if isinstance(rule.form, OnReading)]
    targets = {limit.target for form in forms for limit in form.any}
    found: dict[object, tuple[Concern, dict[int, None]]] = {}
    for number, resident in enumerate(people):
        for year in years if resident.birth_year is not None else years[:1]:
            day = date(year, 1, 1)
            own = effective_targets(resident, rules, day)
            key = (
                tuple(rule.who.met_by(resident, day) for rule in acute),
                tuple(sorted(item for item in own.items() if item[0] in targets)),
            )
            if key not in found:
                found[key] = concern_of(plan_of(rules, resident, year)), {}
            found[key][1][number] = None
    return [(concern, np.array(list(numbers))) for concern, numbers in found.values()]


def loud(panel: Panel, of: Sequence[tuple[Concern, Ints]], bad: Mask, sitting: Ints) -> Mask:
    """Return which rows may be met by a rule, alone or counted with others.

    bad: the implausible rows. sitting: the session of each. Not looked at here: time and arrival,
    and the resident's own past.
    """
    rows = panel.rows
    found: Mask = bad | (rows["kind"] == _REPORT)
    for number, kind in enumerate(KINDS[:-1]):
        which = np.flatnonzero(rows["kind"] == number)
        own = rows[which]
        sound = ~bad[which]
        for concern, residents in of if which.size else ():
            member = np.zeros(len(panel.residents), bool)
            member[residents] = True
            theirs = member[own["resident"]]
            met_here = ~passes(concern.screens[kind], kind, own)
            for rule in concern.counting:
                if rule.kind == kind:
                    met_here |= counted(rule, kind, own, sound & theirs, sitting[which])
            found[which] |= met_here & theirs
    return found


def crisis(panel: Panel, of: Sequence[tuple[Concern, Ints]], among: Mask) -> Mask:
    """Return which of some rows may be met by a rule after which a re-check follows."""
    found: Mask = np.zeros(panel.rows.size, bool)
    which = np.flatnonzero(among)
    rows = panel.rows[which]
    for concern, residents in of:
        theirs = np.isin(rows["resident"], residents)
        for number, kind in enumerate(KINDS[:-1]):
            here = np.flatnonzero(theirs & (rows["kind"] == number))
            if here.size:
                found[which[here]] |= ~passes(concern.crises[kind], kind, rows[here])
    return found


def counted(rule: Rule, kind: str, rows: Columns, own: Mask, sitting: Ints) -> Mask:
    """Return which rows of one kind may be counted by a rule: at least those it will count.

    own: rows to look at; sitting: the session of each row.
    """
    form = rule.form
    assert isinstance(form, OnReading), f"{rule.id}: only readings are counted"
    # No mean reaches a limit that no reading of the session reaches.
    open_ended = tuple(replace(limit, below=None) for limit in form.any)
    alone = own & met(replace(rule, form=replace(form, any=open_ended)), kind, rows)
    touched = np.zeros(int(sitting.max(initial=0)) + 1, bool)
    touched[sitting[alone]] = True
    which = np.flatnonzero(own & touched[sitting])
    found = np.zeros(rows.size, bool)
    for times in form.times if which.size else ():
        match times.of:
            case _ if times.of == READINGS:
                found[which] |= _readings(times, alone[which], rows[which])
            case _ if times.of == SESSIONS:
                found[which] |= _sessions(rule, times, kind, rows[which])
            case _ if times.of == IN_SESSION:
                found[which] |= _in_session(times, alone[which], sitting[which])
    return found


def _readings(times: Times, alone: Mask, rows: Columns) -> Mask:
    which = np.flatnonzero(alone)
    found = np.zeros(rows.size, bool)
    found[which] = crowded(rows["resident"][which], rows["at"][which], times.count, _within(times))
    return found


def _within(times: Times) -> int:
    return micros(times.within) if times.within is not None else np.iinfo(np.int64).max


def _in_session(times: Times, alone: Mask, sitting: Ints) -> Mask:
    enough: Mask = np.bincount(sitting[alone], minlength=int(sitting.max()) + 1) >= times.count
    return enough[sitting]


def _sessions(rule: Rule, times: Times, kind: str, rows: Columns) -> Mask:
    """Return the rows of sessions that may meet the rule, as often as it asks for."""
    assert isinstance(rule.form, OnReading), f"{rule.id}: only readings are counted"
    rest = np.flatnonzero(~in_contexts(rows, NOT_AT_REST))
    at_rest = rows[rest]
    # The evaluator takes each unit for itself.
    units = np.unique(at_rest["unit"])
    found = np.zeros(rows.size, bool)
    for unit in units.tolist():
        which = rest[at_rest["unit"] == unit]
        found[which] |= _sessions_of_unit(rule.form, times, kind, rows[which])
    return found


def _sessions_of_unit(form: OnReading, times: Times, kind: str, rows: Columns) -> Mask:
    sitting = sittings(rows)
    firsts = np.flatnonzero(np.diff(sitting, prepend=-1))
    heads = rows[firsts]
    flagged = (rows["flags"] & bits_of(form.flags, FLAG_NAMES)) != 0
    meets: Mask = np.bincount(sitting[flagged], minlength=firsts.size) > 0
    for limit in form.any:
        values = values_of(rows, kind, limit.field)
        given = ~np.isnan(values)
        number = np.bincount(sitting[given], minlength=firsts.size)
        total = np.bincount(sitting[given], values[given], minlength=firsts.size)
        mean = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        for near in (mean - _ROUNDING, mean, mean + _ROUNDING):
            meets |= reached(limit, near, heads)
    which = np.flatnonzero(meets)
    within = _within(times)
    slack = micros(SESSION_GAP) * 4 if times.within is not None else 0
    crowd = crowded(heads["resident"][which], heads["at"][which], times.count, within + slack)
    chosen = np.zeros(firsts.size, bool)
    chosen[which] = crowd
    return chosen[sitting]


def with_neighbours(panel: Panel, chosen: Mask, bad: Mask, sitting: Ints, rules: RuleSet) -> Mask:
    """Return `chosen` with every row near one of them, and whole sessions; of `bad` rows also the
    readings of the kind before and after, which tell whether several come in a row."""
    rows = panel.rows
    chosen = chosen | _beside(rows, bad)
    which = np.flatnonzero(chosen)
    if not which.size:
        return chosen
    near = micros(neighbourhood(rules))
    earliest = int(min(rows["at"].min(), rows["received"].min()))
    span = int(max(rows["at"].max(), rows["received"].max())) - earliest + 2 * near + 1
    place = rows["resident"].astype(np.int64) * span + (rows["at"] - earliest)
    marks = np.zeros(rows.size + 1, np.int64)
    for column in ("at", "received"):
        own = rows["resident"][which].astype(np.int64) * span + (rows[column][which] - earliest)
        np.add.at(marks, np.searchsorted(place, own - near, "left"), 1)
        np.add.at(marks, np.searchsorted(place, own + near, "right"), -1)
    kept: Mask = np.cumsum(marks[:-1]) > 0
    touched = np.zeros(int(sitting.max()) + 1, bool)
    touched[sitting[kept]] = True
    return touched[sitting]


def _beside(rows: Columns, bad: Mask) -> Mask:
    """Return the rows next to a bad one, of the same resident and kind."""
    if not bad.any():
        return bad
    order = np.lexsort((rows["at"], rows["kind"], rows["resident"]))
    bad, kind, resident = bad[order], rows["kind"][order], rows["resident"][order]
    same = (kind[1:] == kind[:-1]) & (resident[1:] == resident[:-1])
    beside = np.zeros(rows.size, bool)
    beside[order[1:]] |= bad[:-1] & same
    beside[order[:-1]] |= bad[1:] & same
    return beside
