"""Reading many rows at once says of each what reading it alone says, or leaves it to that."""

from unittest import mock
from zoneinfo import ZoneInfo

import numpy as np
from backtest_parts import as_csv
from hypothesis import given, settings
from hypothesis import strategies as st

from yikao_alerts.backtest import block
from yikao_alerts.backtest.block import read_block
from yikao_alerts.backtest.sheet import Sheet
from yikao_alerts.backtest.vocabulary import COLUMNS, KINDS, ROW

TEXTS = st.sampled_from(
    [
        *("", "1", "120", "5.6", "0.5", "33.30", "007", "1234567", "12345.67", "1234567.1234567"),
        *(".5", "5.", "1e3", "-4", "12345678", "1.2.3", "1234567.", ".1234567", "1:", "a", "٣"),
    ]
)
TIMES = st.sampled_from(
    [
        "2026-03-02T08:00:00+08:00",
        "2026-03-02T08:00:00Z",
        "2026-03-02 08:00",
        "2026-03-02T08:00:00-03:30",
        "2026-03-29T02:30:00",
        "2024-02-29T23:59:59",
        "2025-02-29T00:00:00",
        "2026-10-25T02:30",
        "2026-03-02T24:00:00",
        "2026-03-02T08:00:00.250",
        "2026-03-02T08:00+08:00",
        "20260302T080000",
        " 2026-03-02T08:00:00",
        "1969-12-31T00:00:00",
        "",
    ]
)
CELLS = {
    "resident": st.sampled_from(["a", "李四", " b ", "", "x" * 65, '"c,d"']),
    "measured_at": TIMES,
    "received_at": TIMES,
    "kind": st.sampled_from([*KINDS, "", "pressure"]),
    "unit": st.sampled_from(["", "mmHg", "kPa", "mmol/L", "mg/dL", "%", "kg", "stone"]),
    "flags": st.sampled_from(["", "hi", "lo;clock_error", "irregular_pulse;", "x"]),
    "context": st.sampled_from(["", "fasting", "standing", "office", "noon"]),
    "symptoms": st.sampled_from(["", "vomiting", "none", "seizure; confusion", "cough"]),
    "source": st.sampled_from(["", "device", "manual", "imported", "phone"]),
    "device": st.sampled_from(["", "C0:FF:EE:00:00:01", "cuff 2"]),
}
ROWS = st.lists(
    st.fixed_dictionaries({column: CELLS.get(column, TEXTS) for column in COLUMNS}),
    min_size=1,
    max_size=12,
)


@settings(max_examples=80)
@given(ROWS, st.sampled_from(["Asia/Shanghai", "Europe/Berlin"]), st.booleans())
def test_a_block_is_its_lines_one_by_one(rows: list[dict[str, str]], key: str, cr: bool) -> None:
    zone = ZoneInfo(key)
    data = as_csv(rows).encode().partition(b"\n")[2]
    if cr:
        data = data.replace(b"\n", b"\r\n")
    read = read_block(data, COLUMNS, zone)
    sheet = Sheet(COLUMNS, zone)
    records = []
    for number, line in enumerate(data.splitlines(), 1):
        if sheet.full:
            break
        record = sheet.csv_line(line, number)
        if record is not None:
            records.append(record)
    expected = np.array(records, ROW)
    assert read.faults == sheet.faults
    if sheet.full:
        # So many faults that nobody reads on: of such a file nothing is believed anyway.
        return
    assert read.lines == len(rows)
    names = list(sheet.residents.numbers), list(sheet.devices.numbers)
    for column in ROW.names or ():
        one, other = read.rows[column], expected[column]
        if column in ("resident", "device"):
            ours = read.residents if column == "resident" else read.devices
            theirs = names[column == "device"]
            assert [ours[n] for n in one] == [theirs[n] for n in other]
        else:
            np.testing.assert_array_equal(one, other, err_msg=column)


@given(st.decimals(min_value=0, max_value=9_999_999, places=3, allow_nan=False))
def test_a_number_is_the_one_that_python_reads(value: object) -> None:
    line = f"a,2026-03-02T08:00:00Z,weight,{value}\n".encode()
    columns = ("resident", "measured_at", "kind", "weight_kg")
    read = read_block(line, columns, ZoneInfo("UTC"))
    assert read.rows["a"].tolist() == [float(str(value))]


@settings(max_examples=20)
@given(st.data())
def test_pieces_of_a_block_are_as_the_whole(data: st.DataObject) -> None:
    columns = ("resident", "measured_at", "kind", "weight_kg")
    names = st.sampled_from(["a", "x" * 64, "x" * 65, "李" * 60, "z" * 300])
    rows = data.draw(st.lists(st.tuples(names, st.sampled_from(["60", "60.5", "?"])), max_size=9))
    lines = [f"{name},2026-03-02T08:00:00Z,weight,{value}\n" for name, value in [*rows, ("b", 7)]]
    text, zone = "".join(lines).encode(), ZoneInfo("UTC")
    whole = read_block(text, columns, zone)
    with mock.patch.object(block, "PIECE_BYTES", data.draw(st.integers(1, 200))):
        pieces = read_block(text, columns, zone)
    assert (pieces.residents, pieces.lines) == (whole.residents, whole.lines)
    assert pieces.faults == whole.faults
    assert pieces.rows.tobytes() == whole.rows.tobytes()
