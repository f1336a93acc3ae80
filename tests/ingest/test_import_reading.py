"""What a file of another app says, line by line; and nothing in it ever crashes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from clinic import NOW
from hypothesis import example, given
from hypothesis import strategies as st

from yikao_alerts.rules import RuleSet, load_rules
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.imported.entry import Entry
from yikao_ingest.imported.mapping import COLUMNS, KEYS, SHIPPED, Layout, parse_layout, shipped
from yikao_ingest.imported.reading import About, read_entries
from yikao_ingest.imported.table import FILE_BYTES_MAX, read_table

RULES: RuleSet = load_rules()
LAYOUTS = {kind: shipped(kind) for kind in SHIPPED}
ABOUT = About("zhao", ZoneInfo("Asia/Shanghai"), RULES, NOW)
OMRON = (
    '"Measurement Date","Timezone","SYS(mmHg)","DIA(mmHg)","Pulse(bpm)",'
    '"Irregular heartbeat detected","Body Movement","Device"\n'
)
DIARY = """\
name = "diary"
time = ["%d.%m.%Y %H:%M"]
delimiter = ";"
decimal = ","
pressure = "kPa"
glucose = "mg/dL"
source = "manual"
empty = ["–"]
[columns]
date = "日期"
time = ["时间", "Uhrzeit"]
systolic = "高压"
diastolic = "低压"
glucose = "血糖"
meal = "餐次"
[meals]
"早餐前" = "fasting"
"""


def understood(
    text: str | bytes, *layouts: Layout, about: About = ABOUT
) -> tuple[list[Entry], list[str]]:
    data = text if isinstance(text, bytes) else text.encode()
    entries, faults = read_entries(read_table(data, layouts, "file.csv"), about)
    return entries, [str(fault) for fault in faults]


def refusal(text: str | bytes, *layouts: Layout) -> str:
    with pytest.raises(FaultyFileError) as refused:
        understood(text, *layouts)
    return str(refused.value)


def test_omron_connect() -> None:
    rows = '"2026/03/01 07:40","Asia/Bangkok","135","83","73",,"Not Detected","HEM-7141T1"\n'
    (entry,), faults = understood(OMRON + rows, *shipped("omron"))
    assert not faults
    assert entry.at == datetime(2026, 3, 1, 0, 40, tzinfo=UTC)
    assert entry.values == {"systolic": 135, "diastolic": 83, "pulse": 73}
    assert (entry.line, entry.unit, entry.source, entry.device) == (
        *(2, "mmHg", "imported"),
        "HEM-7141T1",
    )


@pytest.mark.parametrize("clock", ["08:15 PM", "20:15"])
def test_omron_connect_of_the_west_and_ihealth(clock: str) -> None:
    west = (
        "Date,Time,Systolic (mmHg),Diastolic (mmHg),Pulse (bpm),Symptoms,Consumed,TruRead,Notes\n"
    )
    one, faults = understood(f"{west}Jan 12 2026,{clock},128,82,64,-,-,Off,\n", *shipped("omron"))
    assert not faults
    ihealth = "Date,Time,SYS(mmHg),DIA(mmHg),Pulse(Beats/Min),Note\n"
    text = f'\n{ihealth}"Jan 12, 2026",{clock},128,82,64,\n'
    other, faults = understood(text, *shipped("ihealth"))
    assert not faults
    assert one[0].at == other[0].at == datetime(2026, 1, 12, 12, 15, tzinfo=UTC)
    assert one[0].values == other[0].values
    assert one[0].reading_id("zhao") == other[0].reading_id("zhao") != one[0].reading_id("qian")


def test_a_chinese_table_in_either_encoding_and_unit() -> None:
    header = "血压记录\n测量时间,收缩压（kPa）,舒张压（kPa）,心率(次/分)\n"
    text = f"{header}2026年3月1日 7:05,18.0,11.2,70\n"
    for data in (text.encode("gb18030"), text.encode("utf-16"), text.encode("utf-8-sig")):
        (entry,), faults = understood(data, *shipped("ihealth"))
        assert not faults
        assert (entry.unit, entry.values["systolic"], entry.values["pulse"]) == ("kPa", 18.0, 70)
        assert entry.columns()["systolic_mmhg"] == 135.0


def test_only_what_was_seen_is_called_so() -> None:
    layouts = [layout for kind in SHIPPED for layout in shipped(kind)]
    assert [layout.name for layout in layouts if not layout.seen] == ["九安 iHealth"]


def test_a_table_of_ones_own() -> None:
    text = (
        "日期;时间;高压;低压;血糖;餐次\n"
        "01.03.2026;07:05;18,0;11,2;99;早餐前\n"
        "01.03.2026;22:00;–;–;HI;\n"
        "01.03.2026;23:00;;;;\n"
        "01.03.2026;23:30;18,0;;;\n"
        "01.13.2026;07:05;18,0;11,2;;\n"
        "03.03.2026;07:05;18,0;11,2;;\n"
        "01.01.1970;07:05;18,0;11,2;;\n"
        "01.03.2026;07:05;135;83;;\n"
        "01.03.2026;07:05;18,O;11,2;;\n"
        "01.03.2026;07:05;18,0;11,2;99;夜宵;\n"
        "01.03.2026;07:05;;;99;夜宵\n"
    )
    entries, faults = understood(text, parse_layout(DIARY, "diary.toml"))
    at = datetime(2026, 2, 28, 23, 5, tzinfo=UTC)
    assert [(e.kind, e.at, e.unit, dict(e.values), e.flags, e.meal) for e in entries] == [
        ("blood_pressure", at, "kPa", {"systolic": 18.0, "diastolic": 11.2}, (), None),
        ("glucose", at, "mg/dL", {"glucose": 99.0}, (), "fasting"),
        ("glucose", at + timedelta(hours=14, minutes=55), "mg/dL", {}, ("hi",), None),
    ]
    assert {entry.source for entry in entries} == {"manual"}
    assert entries[1].columns()["glucose_mmol_l"] == 5.49
    told = [
        *("line 4: it has no value", "line 5: one of systolic and diastolic is missing"),
        *("line 6: time '01.13.2026 07:05'", "line 7: measured at 03.03.2026 07:05, in the future"),
        *("line 8: measured at 01.01.1970", "line 9: blood_pressure 135, 83 kPa cannot be (DQ-01)"),
        *("line 10: systolic '18,O' is no number", "line 11: the line has 7 cells, the header 6"),
        "line 12: meal '夜宵' is unknown",
    ]
    for fault, words in zip(faults, told, strict=True):
        assert fault.startswith(words)


def test_what_stands_in_a_line_is_believed_only_if_it_is_known() -> None:
    header = (
        "resident,kind,time_utc,source,systolic_mmhg,diastolic_mmhg,glucose_mmol_l,unit,flags\n"
    )
    rows = {
        "qian,blood_pressure,2026-03-01T00:00Z,device,128,82,,mmHg,": "it is of 'qian'",
        "zhao,weight,2026-03-01T00:00Z,device,128,82,,mmHg,": "kind 'weight'",
        "zhao,blood_pressure,2026-03-01T00:00Z,cuff,128,82,,mmHg,": "source 'cuff'",
        "zhao,blood_pressure,2026-03-01T00:00Z,device,128,82,,bar,": "unit 'bar'",
        "zhao,blood_pressure,2026-03-01T00:00Z,device,128,82,,mmHg,Loose!": "flags 'Loose!'",
        "zhao,glucose,2026-03-01T00:00Z,device,128,82,,mmHg,": "it has no value",
    }
    entries, faults = understood("\n".join((header, *rows)), *shipped("csv"))
    assert not entries
    for fault, words in zip(faults, rows.values(), strict=True):
        assert words in fault


def test_the_example_of_a_mapping_has_every_key_and_is_understood() -> None:
    file = Path(__file__).parents[2] / "docs" / "import-mapping.example.toml"
    layout = parse_layout(file.read_text("utf-8"), file.name)
    assert set(layout.columns) == set(COLUMNS)
    for key in KEYS:
        assert re.search(rf"^\[?{key}\b", file.read_text("utf-8"), re.MULTILINE), key
    text = "日期,时间,高压,低压,脉搏,血糖,餐次\n2026年3月1日,07:05,135,83,未测,5.4,空腹\n"
    entries, faults = understood(text, layout)
    assert not faults
    assert [(e.kind, e.source, e.unit, e.meal) for e in entries] == [
        ("blood_pressure", "manual", "mmHg", None),
        ("glucose", "manual", "mmol/L", "fasting"),
    ]


def test_the_mapping_that_the_page_shows_reads_the_file_that_it_shows() -> None:
    page = (Path(__file__).parents[2] / "docs" / "open-data.md").read_text("utf-8")
    section = page.partition("### Your own mapping")[2]
    text, mapping = re.findall(r"^```(?:csv|toml)\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert "Write a mapping" in refusal(text, *shipped("ihealth"))
    (entry,), faults = understood(text, parse_layout(mapping, "mine.toml"))
    assert not faults
    assert entry.at == datetime(2026, 2, 28, 23, 5, tzinfo=UTC)
    assert (entry.unit, set(entry.values.values())) == ("mmHg", {135, 83, 71})


def test_a_file_of_another_kind_is_refused_as_a_whole() -> None:
    omron = shipped("omron")
    assert "no header of OMRON connect (Measurement Date, SYS(mmHg), DIA(mmHg))" in refusal(
        "a,b\n1,2\n", *omron
    )
    assert "which begin 'nothing'" in refusal(b"", *omron)
    assert "more than" in refusal(b"," * (FILE_BYTES_MAX + 1), *omron)
    assert "the file is no text" in refusal(b"\xff\x00\x81\xff", *omron)
    _, faults = understood(OMRON + '"2026/03/01', *omron)
    assert faults[0].startswith("line 2: from here on the file is no CSV")


@pytest.mark.parametrize(
    ("was", "instead", "fault"),
    [
        ('name = "diary"', "", "it has no name"),
        ('pressure = "kPa"', 'pressure = "bar"', "pressure is not right. Write one of 'mmHg'"),
        ("%d.%m.%Y %H:%M", "%d.%m.%Y", "time is not right"),
        ("%d.%m.%Y %H:%M", "%Q", "time is not right"),
        ('"早餐前" = "fasting"', '"早餐前" = "breakfast"', "meals is not right"),
        ('systolic = "高压"', 'sistolic = "高压"', "columns is not right"),
        ('systolic = "高压"', 'systolic = { bar = "高压" }', "columns is not right"),
        ('date = "日期"\ntime = ["时间", "Uhrzeit"]', "", "no column has the time"),
        ('source = "manual"', 'zone = "Mars/Base"', "zone is not right"),
        ('source = "manual"', 'sauce = "manual"', "sauce is not right. The keys are name"),
        ("[columns]", "[columns", "not valid TOML"),
    ],
)
def test_a_faulty_mapping_is_told_with_its_line(was: str, instead: str, fault: str) -> None:
    assert was in DIARY
    with pytest.raises(FaultyFileError) as refused:
        parse_layout(DIARY.replace(was, instead), "diary.toml")
    assert fault in str(refused.value)


CELLS = st.one_of(
    st.sampled_from(
        ["128", "18.0", "HI", "-", "2026/03/01 07:40", "Asia/Tokyo", "9999-12-31T23:59"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
LINES = st.lists(st.lists(CELLS, max_size=9).map(",".join), max_size=6).map("\n".join)


@given(
    body=st.one_of(st.binary(max_size=200), LINES.map(lambda text: text.encode("utf-8", "replace")))
)
@example(body=b"0001-01-01T00:00:00-23:59,Asia/Shanghai,128,82,,,,")
@example(body=b'"2026/03/01 07:40",' + b"9" * 5000)
@example(body=b"\x00" * 50)
def test_no_bytes_crash(body: bytes) -> None:
    headers = (OMRON, "time_utc,systolic_mmhg,diastolic_mmhg,glucose_mg_dl,unit,flags,device\n", "")
    for header, kind in zip(headers, ("omron", "csv", "ihealth"), strict=True):
        try:
            entries, faults = understood(header.encode() + body, *LAYOUTS[kind])
        except FaultyFileError as error:
            faults, entries = [str(error)], []
        for entry in entries:
            assert RULES.implausible(entry.measurement(NOW)) is None
            assert entry.at <= NOW + timedelta(minutes=5)
        assert all(faults)


@given(text=st.text(max_size=200))
def test_no_mapping_crashes(text: str) -> None:
    try:
        parse_layout(text, "any.toml")
    except FaultyFileError as error:
        assert error.faults
