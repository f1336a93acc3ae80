"""The ledger of rules: shares with the interval that few answers allow, on the page and as CSV."""

import csv
import io
from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.feed.care_rows import LedgerRow
from yikao_alerts.feed.ledger_view import HEADER, ledger_csv, ledger_of, wilson

counts = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (4, 5, 0.3755, 0.9638),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_known_intervals(hits: int, trials: int, low: float, high: float) -> None:
    """The last row: Newcombe 1998, Stat. Med. 17(8), table I, method 3."""
    share = wilson(hits, trials)
    assert isclose(share.low, low, abs_tol=5e-5)
    assert isclose(share.high, high, abs_tol=5e-5)


@given(counts)
def test_the_interval_holds_its_share_and_mirrors(counted: tuple[int, int]) -> None:
    hits, trials = counted
    share, other = wilson(hits, trials), wilson(trials - hits, trials)
    assert 0 <= share.low <= share.value <= share.high <= 1
    assert isclose(share.low, 1 - other.high, abs_tol=1e-9)
    wider = wilson(hits * 4, trials * 4)
    assert wider.high - wider.low < share.high - share.low


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (2, 1), (-1, 3)])
def test_what_is_no_share_is_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(hits, trials)


def test_the_table_for_a_spreadsheet() -> None:
    rows = [LedgerRow("BP-03", 9, 5, 1, 0), LedgerRow("BP-04", 2, 0, 0, 0)]
    first, second = list(csv.DictReader(io.StringIO(ledger_csv(ledger_of(rows)))))
    assert tuple(first) == HEADER
    assert (first["true"], first["true_share"], first["low_95"]) == ("4", "0.800", "0.376")
    assert (second["judged"], second["true_share"]) == ("0", None)
