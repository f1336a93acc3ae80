"""Two weeks without a reading are heard of, until something is measured again."""

from pathlib import Path

from backtest_parts import HOME, at, found_in, pressure


def test_a_silence_is_an_entry_until_the_next_reading(tmp_path: Path) -> None:
    days = [*range(30), *range(45, 50)]
    result = found_in(tmp_path, [pressure("a", at(8, day), 124, 78) for day in days])
    (entry,) = [f for f in result.findings[0] if f.rule == "DQ-06"]
    assert entry.severity == "this_week" and entry.ended_at is not None
    # The last reading is of 31 March; seven whole days later the team hears of it.
    assert entry.at.astimezone(HOME).date().isoformat() == "2026-04-08"
    assert entry.ended_at.astimezone(HOME).date().isoformat() == "2026-04-17"
