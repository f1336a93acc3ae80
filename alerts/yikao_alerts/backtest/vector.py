"""Rules over columns: which of many readings meet a limit, which sit together in one session.

What these functions say of a row is what `Rule.met_by` and `Screen.passes` say of the same reading
one at a time; tests hold them together.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.digits import Floats, Ints, Mask
from yikao_alerts.backtest.instants import micros
from yikao_alerts.backtest.vocabulary import (
    CONTEXT_NAMES,
    FLAG_NAMES,
    KINDS,
    SLOTS,
    UNIT_NAMES,
)
from yikao_alerts.history import FIELDS, PULSE_UNIT
from yikao_alerts.limits import DERIVED_DIGITS, PULSE_PRESSURE, Limit
from yikao_alerts.quiet import Screen
from yikao_alerts.rules.forms import OnReading
from yikao_alerts.rules.model import ANY_KIND, Rule
from yikao_alerts.series import SESSION_GAP

_COMPARED: Final = {"ge": np.greater_equal, "gt": np.greater, "le": np.less_equal, "lt": np.less}


def values_of(rows: Columns, kind: str, field: str) -> Floats:
    """Return one field of rows of one kind, or their pulse pressure; NaN where absent."""
    if field == PULSE_PRESSURE:
        pressure: Floats = np.round(rows["a"] - rows["b"], DERIVED_DIGITS)
        return pressure
    if field not in FIELDS[kind]:
        return np.full(rows.size, np.nan)
    values: Floats = rows[SLOTS[FIELDS[kind].index(field)]]
    return values


def bits_of(names: Iterable[str], known: tuple[str, ...]) -> np.uint64:
    """Return codes as bits; a code that no file can carry has none."""
    return np.uint64(sum(1 << known.index(name) for name in names if name in known))


def in_contexts(rows: Columns, contexts: Iterable[str]) -> Mask:
    """Return which rows were taken in one of these ways."""
    numbers = [CONTEXT_NAMES.index(context) for context in contexts]
    return np.isin(rows["context"], numbers)


def reached(limit: Limit, values: Floats, rows: Columns) -> Mask:
    """Return where `values`, in the units of their rows, reach a limit, taken as it asks."""
    found = np.zeros(rows.size, bool)
    for unit, number in limit.values.items():
        here = np.ones(rows.size, bool)
        if unit != PULSE_UNIT:
            here = rows["unit"] == UNIT_NAMES.index(unit)
        if limit.below is not None:
            here &= values < limit.below[unit]
        found |= here & _COMPARED[limit.op](values, number)
    return found & in_contexts(rows, limit.contexts) if limit.contexts else found


def met(rule: Rule, kind: str, rows: Columns) -> Mask:
    """Return which rows of one kind meet the rule alone, as `Rule.met_by` says it."""
    form = rule.form
    if not isinstance(form, OnReading) or rule.kind not in (ANY_KIND, kind):
        return np.zeros(rows.size, bool)
    found: Mask = (rows["flags"] & bits_of(form.flags, FLAG_NAMES)) != 0
    for limit in form.any:
        found |= reached(limit, values_of(rows, kind, limit.field), rows)
    if form.order is not None:
        low, high = (values_of(rows, kind, field) for field in form.order)
        found |= low >= high
    if form.contexts:
        found &= in_contexts(rows, form.contexts)
    barred: Mask = (rows["flags"] & bits_of(form.unless_flags, FLAG_NAMES)) != 0
    found &= ~barred
    return found


def implausible(rules: Iterable[Rule], rows: Columns) -> Mask:
    """Return which rows a rule puts in quarantine."""
    found = np.zeros(rows.size, bool)
    quarantining = [rule for rule in rules if rule.quarantine]
    for number, kind in enumerate(KINDS[:-1]):
        here = np.flatnonzero(rows["kind"] == number)
        own = rows[here]
        for rule in quarantining if here.size else ():
            if rule.kind in (ANY_KIND, kind):
                found[here] |= met(rule, kind, own)
    return found


def passes(screen: Screen, kind: str, rows: Columns) -> Mask:
    """Return which plausible rows of one kind are quiet, as `Screen.passes` says it."""
    quiet = np.zeros(rows.size, bool)
    for unit, own in screen.zones.items() if not screen.never else ():
        inside = rows["unit"] == UNIT_NAMES.index(unit)
        for field, low, high in own:
            values = values_of(rows, kind, field)
            inside &= np.isnan(values) | ((low < values) & (values < high))
        if unit in screen.narrow:
            pressure = values_of(rows, kind, PULSE_PRESSURE)
            inside &= np.isnan(pressure) | (pressure > screen.narrow[unit])
        quiet |= inside
    quiet &= (rows["flags"] & bits_of(screen.flags, FLAG_NAMES)) == 0
    quiet &= ~in_contexts(rows, screen.contexts)
    return quiet


def sittings(rows: Columns) -> Ints:
    """Return the number of the session of each row: one resident, one kind, no gap above half an
    hour. Rows lie in order of resident and time."""
    of = rows["resident"].astype(np.int64) << 8 | rows["kind"]
    # Kept in order of time within each by a sort that is stable.
    order = np.argsort(of, kind="stable")
    at, of = rows["at"][order], of[order]
    begins = np.ones(rows.size, bool)
    begins[1:] = (of[1:] != of[:-1]) | (at[1:] - at[:-1] > micros(SESSION_GAP))
    numbers = np.zeros(rows.size, np.int64)
    numbers[order] = np.cumsum(begins) - 1
    return numbers


def crowded(resident: Ints, at: Ints, count: int, within: int) -> Mask:
    """Return which events lie, with `count` of the same resident, within so many microseconds.

    resident, at: (n,) in order of resident and time.
    """
    marks = np.zeros(at.size + 1, np.int64)
    last = at.size - count + 1
    if last > 0:
        near = (resident[count - 1 :] == resident[:last]) & (at[count - 1 :] - at[:last] <= within)
        firsts = np.flatnonzero(near)
        np.add.at(marks, firsts, 1)
        np.add.at(marks, firsts + count, -1)
    crowd: Mask = np.cumsum(marks[:-1]) > 0
    return crowd
