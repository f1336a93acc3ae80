"""Records as the evaluator takes them: a reading as `Measurement`, a report as `Symptoms`."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.digits import Ints, Mask
from yikao_alerts.backtest.instants import moment
from yikao_alerts.backtest.panel import Panel
from yikao_alerts.backtest.vocabulary import (
    CONTEXT_NAMES,
    FLAG_NAMES,
    KINDS,
    ROW,
    SYMPTOM,
    SYMPTOM_NAMES,
    UNIT_NAMES,
    names_of,
)
from yikao_alerts.history import FIELDS, SOURCES, Measurement, Symptoms, key_of

Item = Measurement | Symptoms
_SETS_KEPT: Final = 4096
_TAKEN: Final = ROW.names or ()


def namesakes(rows: Columns) -> Ints:
    """Return for each row how many readings before it have its resident, kind, device and time."""
    same = np.zeros(rows.size, bool)
    same[1:] = True
    for column in ("resident", "at", "kind", "device"):
        same[1:] &= rows[column][1:] == rows[column][:-1]
    places = np.arange(rows.size)
    begins = np.maximum.accumulate(np.where(same, 0, places))
    return places - begins


@dataclass(frozen=True, slots=True)
class Items:
    """Makes items of the rows of a panel. `bad`: the implausible rows."""

    panel: Panel
    bad: Mask
    again: Ints

    def of(self, rows: Ints) -> list[Item]:
        """Return the items of the rows at these places, in their order."""
        chosen = self.panel.rows[rows]
        records = zip(*(chosen[name].tolist() for name in _TAKEN), strict=True)
        bad, again = self.bad[rows].tolist(), self.again[rows].tolist()
        return [self._item(*each) for each in zip(records, bad, again, strict=True)]

    def _item(self, record: tuple[Any, ...], bad: bool, again: int) -> Item:
        resident, device, at, received, *values, flags, symptoms, kind, unit, context, source = (
            record
        )
        device_name = self.panel.devices[device]
        when = moment(at)
        arrived = when if received == at else moment(received)
        key = key_of(KINDS[kind], device_name or self.panel.residents[resident], when)
        if again:
            key = f"{key}#{again + 1}"
        if KINDS[kind] == SYMPTOM:
            return Symptoms(key, when, arrived, _names(symptoms, SYMPTOM_NAMES))
        return Measurement(
            key,
            KINDS[kind],
            when,
            arrived,
            UNIT_NAMES[unit],
            # A value that is not there is NaN, the only number that is not itself.
            {f: v for f, v in zip(FIELDS[KINDS[kind]], values, strict=False) if v == v},
            _names(flags, FLAG_NAMES),
            device_name,
            not bad,
            CONTEXT_NAMES[context] or None,
            SOURCES[source],
        )


@lru_cache(_SETS_KEPT)
def _names(bits: int, names: tuple[str, ...]) -> frozenset[str]:
    return names_of(bits, names)
