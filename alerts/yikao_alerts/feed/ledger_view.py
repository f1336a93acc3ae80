"""How often each rule was right, by what doctors said: with the interval that so few answers allow.

A share of four out of five says little; the interval says how little.

Source: Wilson 1927, J. Am. Stat. Assoc. 22(158): the score interval of a share.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from yikao_alerts.feed.care_rows import LedgerRow

Z_95: Final = 1.959964
"""Of the normal distribution, for 95 % on both sides together."""
HEADER: Final = (
    *("rule", "episodes", "judged", "true", "false_alarm", "technical"),
    *("true_share", "low_95", "high_95"),
)


@dataclass(frozen=True, slots=True)
class Share:
    """A share and its 95 % interval, each from 0 to 1."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RuleLedger:
    """What became of a rule's episodes; `share` of those judged were true, None where none was."""

    row: LedgerRow
    true_alerts: int
    share: Share | None


def ledger_of(rows: Sequence[LedgerRow]) -> list[RuleLedger]:
    """Return the ledger of each rule, in the order of `rows`."""
    return [_of(row) for row in rows]


def wilson(hits: int, trials: int) -> Share:
    """Return the share of `hits` among `trials`, at least one, with its 95 % interval."""
    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"{hits} of {trials} is no share")
    p, z2 = hits / trials, Z_95 * Z_95
    middle = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 * sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials)) / (1 + z2 / trials)
    # Rounding must not put the share outside of its own interval.
    return Share(p, min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half)))


def ledger_csv(ledger: Sequence[RuleLedger]) -> str:
    """Return the ledger as a table for a spreadsheet; shares with three decimals."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(HEADER)
    for each in ledger:
        row, share = each.row, each.share
        shares = () if share is None else (share.value, share.low, share.high)
        table.writerow(
            (
                *(row.rule_id, row.episodes, row.judged, each.true_alerts),
                *(row.false_alarms, row.technical),
                *(f"{number:.3f}" for number in shares),
            )
        )
    return out.getvalue()


def _of(row: LedgerRow) -> RuleLedger:
    true_alerts = row.judged - row.false_alarms - row.technical
    return RuleLedger(row, true_alerts, wilson(true_alerts, row.judged) if row.judged else None)
