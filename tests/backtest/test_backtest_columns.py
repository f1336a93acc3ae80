"""Columns say what the records say, however often some of the rows are chosen from some others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.backtest.columns import Columns
from yikao_alerts.backtest.vocabulary import ROW, Rows

Choice = tuple[str, int]
choices = st.lists(
    st.tuples(st.sampled_from(["mask", "places", "slice"]), st.integers(0, 2**32 - 1)), max_size=4
)


def some_of(size: int, choice: Choice) -> np.ndarray | slice:
    """Return which of so many rows a choice means."""
    kind, seed = choice
    random = np.random.default_rng(seed)
    if kind == "mask":
        return random.random(size) < 0.6
    if kind == "slice":
        first, last = sorted(random.integers(0, size + 1, 2).tolist())
        return slice(first, last)
    return random.permutation(size)[: size // 2 + 1]


def records(size: int) -> Rows:
    rows = np.zeros(size, ROW)
    for number, name in enumerate(ROW.names or ()):
        rows[name] = (np.arange(size) * 7 + number) % 100
    return rows


@given(st.integers(0, 50), choices)
def test_a_choice_of_a_choice_is_what_the_records_give(size: int, chosen: list[Choice]) -> None:
    rows = records(size)
    columns = Columns.of(rows)
    for choice in chosen:
        which = some_of(rows.size, choice)
        rows, columns = rows[which], columns[which]
    assert columns.size == rows.size
    alone = columns.alone()
    for name in ROW.names or ():
        assert columns[name].tolist() == alone[name].tolist() == rows[name].tolist()
