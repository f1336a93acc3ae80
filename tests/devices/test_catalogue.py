"""The catalogue: every entry has its sources and a name that somebody saw, and decodes frames."""

import re
from importlib.resources import files
from pathlib import Path

import pytest
from driven import NOW

from yikao_devices import gatt
from yikao_devices.assembler import Assembler
from yikao_devices.model_files import Entry, load_models
from yikao_devices.models import (
    CATALOGUE,
    FOLDER,
    GENERIC_CUFF,
    GENERIC_METER,
    ClockRule,
    Conversation,
    Model,
    model_named,
    recognise,
)
from yikao_devices.quirks import Quirk
from yikao_devices.readings import Origin
from yikao_devices.toml_lines import FaultyFileError
from yikao_devices.wire import BloodPressureReading

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-device.md"
NOTHING = frozenset[int]()

SEEN = [
    # The name as advertised, the services, the entry; the sources stand in the catalogue.
    ("A&D_UA-651BLE_D57B3F", {gatt.BLOOD_PRESSURE_SERVICE}, "and-ua651ble"),
    ("BLESmart_00000244005FBF718118", {gatt.BLOOD_PRESSURE_SERVICE}, "omron-blesmart"),
    ("BLEsmart_00000244005FBF718118", {gatt.BLOOD_PRESSURE_SERVICE}, "omron-blesmart"),
    ("X4 Smart", NOTHING, "omron-smart"),
    ("X2 Smart+", NOTHING, "omron-smart"),
    ("EVOLV", {gatt.BLOOD_PRESSURE_SERVICE}, "omron-smart"),
    ("BM85", NOTHING, "beurer-bm85"),
    ("BM48", NOTHING, "beurer-bm85"),
    ("Elite 900 v2", {gatt.BLOOD_PRESSURE_SERVICE}, "beurer-bm85"),
    ("SBM69", {gatt.BLOOD_PRESSURE_SERVICE}, "sanitas-sbm69"),
    ("1872B", NOTHING, "medisana-bu"),
    ("boso medicus CE6674 ", {gatt.BLOOD_PRESSURE_SERVICE}, "boso-medicus"),
    ("BP3GY1-2N", NOTHING, "microlife-bp3gy1"),
    ("YK-IBPA1", NOTHING, "yonker-ykbp"),
    ("MT-YK-BPA1", NOTHING, "yonker-ykbp"),
    ("meter+02252924", {gatt.GLUCOSE_SERVICE}, "accu-chek"),
    ("Accu-Chek", {gatt.GLUCOSE_SERVICE}, "accu-chek"),
    ("Contour7830H7002817", {gatt.GLUCOSE_SERVICE}, "contour"),
    ("DIAMOND MOBILE", {gatt.GLUCOSE_SERVICE}, "taidoc-glucose"),
    ("TAIDOC TD4257", {gatt.GLUCOSE_SERVICE}, "taidoc-glucose"),
    ("CareSens 0701", {gatt.GLUCOSE_SERVICE}, "caresens"),
]
RECORDED = [
    # The entry, the characteristic, the frame, then systolic, diastolic and pulse on the display.
    (
        "beurer-bm85",
        gatt.BLOOD_PRESSURE_MEASUREMENT,
        "56770046000000ea07080b1439000057010040",
        (119, 70, 87),
    ),
    (
        "yonker-ykbp",
        gatt.YONKER_MEASUREMENT,
        "818367510000190b18131200000000",
        (131, 103, 81),
    ),
]


# The entries


@pytest.mark.parametrize(("name", "services", "entry"), SEEN)
def test_a_name_that_was_seen_is_recognised(name: str, services: set[int], entry: str) -> None:
    found = recognise(name, frozenset(services))
    assert found is not None
    assert found.name == entry


def test_every_entry_has_a_name_that_was_seen() -> None:
    written = {model.name for model in load_models(FOLDER)}
    assert written == {entry for _, _, entry in SEEN}
    assert {model.vendor for model in CATALOGUE if model.name in written} > {"A&D", "Omron"}


@pytest.mark.parametrize(
    ("name", "services", "entry"),
    [
        # A scale and a thermometer whose names look like a cuff's and a meter's.
        ("BLEsmart_0001040A005FBF718118", {gatt.WEIGHT_SCALE_SERVICE}, None),
        ("TAIDOC TD1241", {gatt.HEALTH_THERMOMETER_SERVICE}, None),
        # Commands of the same frame, but records that nobody has published.
        ("A6 BT", NOTHING, None),
        # A simulated cuff is no Yonker.
        ("YK-BP-0001", {gatt.BLOOD_PRESSURE_SERVICE}, "generic-cuff"),
        ("Contour", {gatt.GLUCOSE_SERVICE}, "generic-meter"),
        (None, {gatt.GLUCOSE_SERVICE}, "generic-meter"),
    ],
)
def test_what_looks_alike_is_something_else(
    name: str | None, services: set[int], entry: str | None
) -> None:
    found = recognise(name, frozenset(services))
    assert found is None or found.vendor == ""
    assert entry is None or (found is not None and found.name == entry)


@pytest.mark.parametrize(("entry", "characteristic", "frame", "shown"), RECORDED)
def test_a_recorded_frame_is_what_the_display_said(
    entry: str, characteristic: int, frame: str, shown: tuple[int, int, int]
) -> None:
    model = model_named(entry)
    assert model is not None
    assert shown_by(model, characteristic, frame) == shown


def shown_by(model: Model, characteristic: int, frame: str) -> tuple[float | None, ...]:
    """What a reading made of `frame` would show."""
    origin = Origin("AA", model.name, NOW, None)
    (item,) = Assembler(model).feed(characteristic, bytes.fromhex(frame), origin)
    assert isinstance(item, BloodPressureReading)
    return item.systolic_mmhg, item.diastolic_mmhg, item.pulse_bpm


@pytest.mark.parametrize(
    ("entry", "departures"),
    [
        ("and-ua651ble", {"bond_first": True}),
        ("omron-blesmart", {"settle_s": 1.5, "clock": ClockRule.OMRON_FIRST_NOTIFICATION}),
        ("beurer-bm85", {"quirk": Quirk.BEURER_BE, "settle_s": 0.1, "bond_first": True}),
        ("sanitas-sbm69", {"bond_first": True, "quirk": None}),
        ("accu-chek", {"clock": ClockRule.DATE_TIME_2A08}),
        ("contour", {"clock": ClockRule.CONTOUR_1026, "sequence_is_cursor": True}),
        ("taidoc-glucose", {"clock": ClockRule.NONE, "sequence_is_cursor": False}),
        ("caresens", {"clock": ClockRule.CARESENS_FFF1}),
        ("yonker-ykbp", {"conversation": Conversation.YONKER, "clock_is_believed": False}),
    ],
)
def test_where_a_model_leaves_the_standard(entry: str, departures: dict[str, object]) -> None:
    model = model_named(entry)
    assert {key: getattr(model, key) for key in departures} == departures


def test_the_files_are_part_of_the_package() -> None:
    names = {each.name for each in (files("yikao_devices") / "catalogue").iterdir()}
    assert {"omron.toml", "contour.toml"} <= names
    assert all(name.endswith(".toml") for name in names)


@pytest.mark.parametrize(
    ("number", "full"),
    [
        (gatt.CONTOUR_CLOCK, "00001026-0002-11e2-9e96-0800200c9a66"),
        (gatt.CARESENS_CLOCK, "c4dea3bc-5a9d-11e9-8647-d663bd873d93"),
        (gatt.YONKER_MEASUREMENT, "cdeacd81-5235-4c07-8846-93a37ee6b86d"),
        (gatt.BLOOD_PRESSURE_MEASUREMENT, "00002a35-0000-1000-8000-00805f9b34fb"),
    ],
)
def test_a_characteristic_has_a_number_and_a_uuid(number: int, full: str) -> None:
    assert gatt.uuid128(number) == full
    assert gatt.number_of(full) == gatt.number_of(full.upper()) == number


def test_a_characteristic_that_nobody_speaks_has_no_number() -> None:
    assert gatt.number_of("ecbe3980-c9a2-11e1-b1bd-0002a5d5c51b") is None


def test_the_standard_is_read_without_an_entry() -> None:
    assert {GENERIC_CUFF, GENERIC_METER} <= set(CATALOGUE)
    assert len({model.name for model in CATALOGUE}) == len(CATALOGUE)


# What is refused

GOOD = """\
[[model]]
name = "acme-bp7"
vendor = "Acme"
conversation = "cuff"
pattern = 'ACME.*'
settle_s = 0.5

[model.source]
pattern = "as scanned, firmware 1.4"
settle_s = "github.com/example/acme, issue 12"
"""


def faults_of(folder: Path, *texts: str) -> list[str]:
    for number, text in enumerate(texts):
        (folder / f"{number}.toml").write_text(text, "utf-8")
    with pytest.raises(FaultyFileError) as refused:
        load_models(folder)
    return [str(fault) for fault in refused.value.faults]


def test_a_departure_without_a_source_is_refused(tmp_path: Path) -> None:
    unsourced = GOOD.replace('settle_s = "github.com/example/acme, issue 12"\n', "")
    (told,) = faults_of(tmp_path, unsourced)
    assert told.startswith("0.toml, line 6: model 'acme-bp7': settle_s has no source.")
    assert 'Write settle_s = "where somebody saw it" under [model.source]' in told


@pytest.mark.parametrize(
    ("was", "instead", "line", "what"),
    [
        ('conversation = "cuff"', 'conversation = "yonker"', 4, "conversation has no source"),
        ('"as scanned, firmware 1.4"', '"seen"', 8, "source: Expected `str` of length >= 12"),
        ("settle_s = 0.5", "", 8, "a source for settle_s, which is not set"),
        ("settle_s = 0.5", "settle_s = 60", 6, "settle_s: Expected `float` <= 10.0"),
        ("settle_s = 0.5", 'settle_s = "0.5"', 6, "settle_s: Expected `float`, got `str`"),
        ("settle_s = 0.5", "settle_s = 0.5\nspeed = 2", 7, "speed: Object contains unknown field"),
        ('"cuff"', '"cuf"', 4, "conversation: Invalid enum value 'cuf'"),
        ("'ACME.*'", "'ACME('", 5, "pattern is none"),
        ('vendor = "Acme"\n', "", 1, "missing required field `vendor`"),
        ('name = "acme-bp7"', 'name = "Acme BP7"', 2, "name: Expected `str` matching regex"),
        ("settle_s = 0.5", 'settle_s = 0.5\nquirk = "odd"', 7, "quirk"),
        ("[[model]]", "[model]", 0, "not a list of models"),
        ("[[model]]", "[[model]", 1, "not valid TOML"),
    ],
)
def test_a_fault_is_told_with_its_place(
    was: str, instead: str, line: int, what: str, tmp_path: Path
) -> None:
    told = "\n".join(faults_of(tmp_path, GOOD.replace(was, instead, 1)))
    assert f"line {line}:" in told if line else "0.toml: " in told
    assert what in told


def test_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    told = faults_of(tmp_path, GOOD.replace("'ACME.*'", "'('"), "x = 1\n", GOOD, GOOD)
    assert [line.partition(":")[0] for line in told] == [
        "'acme-bp7' is the name of 2 models. Give each a name of its own",
        "0.toml, line 5",
        "1.toml",
    ]


# The page for newcomers


def example(language: str) -> str:
    """The page's block in this language."""
    found = re.search(rf"^```{language}\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)
    assert found is not None
    return found[1]


def test_a_newcomer_who_does_what_the_page_says_has_added_a_device(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(example("toml"), "utf-8")
    catalogue = load_models(tmp_path)
    rows = example("text")
    seen = re.search(r'\("(.+)", \{gatt\.(\w+)\}, "(.+)"\)', rows)
    recorded = re.search(r'\("(.+)", gatt\.(\w+), "(\w+)", \((\d+), (\d+), (\d+)\)\)', rows)
    assert seen is not None and recorded is not None
    model = recognise(seen[1], frozenset({getattr(gatt, seen[2])}), catalogue)
    assert model is not None
    assert model.name == seen[3] == recorded[1]
    characteristic: int = getattr(gatt, recorded[2])
    assert shown_by(model, characteristic, recorded[3]) == tuple(
        map(float, recorded.group(4, 5, 6))
    )


def test_the_page_tells_every_key_and_every_rule() -> None:
    text = PAGE.read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.M)) == set(Entry.__struct_fields__)
    assert all(f"`{rule.value}`" in text for rule in ClockRule)
