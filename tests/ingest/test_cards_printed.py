"""Cards: printed with a code that readers read, known to the registry by a digest alone."""

import re
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.cards import CHANCE_MAX, digest_of, grouped, new_number, read_card
from yikao_ingest import cli_cards
from yikao_ingest.cards.sheet import NewCard, sheet
from yikao_ingest.cli import main
from yikao_ingest.errors import ServerError

SINCE = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
QUIET = 4
SIZE = 21
CODEWORDS = 26
MASKS: Sequence[Callable[[int, int], bool]] = (
    lambda r, c: (r + c) % 2 == 0,
    lambda r, c: r % 2 == 0,
    lambda r, c: c % 3 == 0,
    lambda r, c: (r + c) % 3 == 0,
    lambda r, c: (r // 2 + c // 3) % 2 == 0,
    lambda r, c: r * c % 2 + r * c % 3 == 0,
    lambda r, c: (r * c % 2 + r * c % 3) % 2 == 0,
    lambda r, c: ((r + c) % 2 + r * c % 3) % 2 == 0,
)
"""ISO/IEC 18004:2015, 7.8.2."""
FORMAT_AT = [(8, c) for c in (0, 1, 2, 3, 4, 5, 7, 8)] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]


def squares_of(page: str) -> list[list[bool]]:
    """Return what a page shows, from the strokes of its picture."""
    (path,) = re.findall(r'stroke="#000" d="([^"]+)"', page)
    squares = [[False] * SIZE for _ in range(SIZE)]
    row, column = 0, 0
    for command, first, second in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        if command == "h":
            for place in range(column, column + int(first)):
                squares[row][place] = True
            column += int(first)
        elif command == "M":
            row, column = int(float(second)) - QUIET, int(first) - QUIET
        else:
            row, column = row + int(second), column + int(first)
    return squares


def decoded(squares: list[list[bool]]) -> str:
    """Read a code as a reader does, written from the other side: format, mask, strips, digits."""
    bits = "".join("01"[squares[r][c]] for r, c in FORMAT_AT)
    word = int(bits, 2) ^ 0b101010000010010
    level, mask = word >> 13, word >> 10 & 7
    assert level == 0b11
    stream, column, upwards = "", SIZE - 1, True
    while column > 0:
        column -= column == 6
        rows = range(SIZE - 1, -1, -1) if upwards else range(SIZE)
        for row in rows:
            for c in (column, column - 1):
                corner = (row <= 8 and (c <= 8 or c >= 13)) or (row >= 13 and c <= 8)
                if not corner and row != 6:
                    stream += "01"[squares[row][c] ^ MASKS[mask](row, c)]
        column, upwards = column - 2, not upwards
    assert len(stream) == CODEWORDS * 8
    assert stream[:4] == "0001"
    count, at, digits = int(stream[4:14], 2), 14, ""
    while len(digits) < count:
        size = min(3, count - len(digits))
        width = size * 3 + 1
        digits += f"{int(stream[at : at + width], 2):0{size}d}"
        at += width
    return digits


@given(st.integers(0, 2**64))
def test_the_code_on_a_card_says_its_number(chance: int) -> None:
    number = new_number(chance % CHANCE_MAX)
    assert decoded(squares_of(sheet([NewCard(number, "r")]))) == number


def test_new_cards_are_printed_and_the_registry_knows_them(tmp_path: Path) -> None:
    file = tmp_path / "cards.html"
    lines = cli_cards.new_cards(["r-1", 'r-"2"'], file, SINCE)
    page = file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    numbers = re.findall(r'class="number">([\d ]+)<', page)
    assert [read_card(number) for number in numbers] == [n.replace(" ", "") for n in numbers]
    assert len(set(numbers)) == 2 == page.count("<svg")
    for number in numbers:
        assert digest_of(number.replace(" ", "")) in lines
        assert number.replace(" ", "") not in lines
    assert lines.count("[[cards]]") == 2 and "from = 2026-03-02T08:00:00+00:00" in lines
    assert "r-&quot;2&quot;" in page


def test_a_page_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "cards.html"
    file.write_text("yesterday's")
    with pytest.raises(ServerError, match="cannot be written"):
        cli_cards.new_cards(["r-1"], file, SINCE)
    assert file.read_text() == "yesterday's"
    with pytest.raises(ServerError, match="at once"):
        cli_cards.new_cards(["r-1"] * (cli_cards.MOST + 1), tmp_path / "many.html", SINCE)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cards", "new", "r-0001", "--print", str(tmp_path / "cards.html")])
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith('[[cards]]\ndigest = "') and 'resident = "r-0001"' in out


def test_a_number_is_printed_in_groups() -> None:
    number = "12345678901234567890"
    assert grouped(number) == "1234 5678 9012 3456 7890" in sheet([NewCard(number, "r")])
