"""Our gateway meets every persona of the zoo, as the program it is; wrong gateways fail there."""

import asyncio
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from yikao_devices.wire import BloodPressureReading, Clocks, DeviceEvent, Item, encode_item
from yikao_sim.cli import main
from yikao_sim.zoo.enclosure import Verdict
from yikao_sim.zoo.expectations import Event, Refused, Stored
from yikao_sim.zoo.gateway import DEFAULT, parse_command, read_printed
from yikao_sim.zoo.judge import judge
from yikao_sim.zoo.keeper import PERSONAS, chosen, meet_all
from yikao_sim.zoo.persona import Outcome, Persona
from yikao_sim.zoo.taken import Pressure, moment

JOBS = 10
"""More than there are processors: a visit mostly waits for silence."""
QUIET = "--seconds=2"
NOW = datetime(2026, 3, 2, 8, 0).astimezone()


# Our own gateway


@pytest.fixture(scope="module")
def verdicts(request: pytest.FixtureRequest) -> dict[str, Verdict]:
    """Return what became of every persona that a collected test asks for; all are met at once."""
    asked = {
        item.callspec.params["persona"].name
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
        if "persona" in item.callspec.params
    }
    command = parse_command(f"{DEFAULT} {QUIET}")
    found = asyncio.run(
        meet_all(chosen(asked), command, jobs=JOBS, limit_s=120, on_verdict=lambda verdict: None)
    )
    return {verdict.persona.name: verdict for verdict in found}


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_our_gateway_copes_with(persona: Persona, verdicts: dict[str, Verdict]):
    verdict = verdicts[persona.name]
    assert verdict.faults == (), verdict.came
    assert verdict.stray_lines == 0


# The inhabitants


def test_there_are_enough_of_them_and_each_outcome_occurs():
    assert len({persona.name for persona in PERSONAS}) == len(PERSONAS) >= 34
    assert {persona.outcome for persona in PERSONAS} == set(Outcome)


@pytest.mark.parametrize("persona", PERSONAS, ids=lambda persona: persona.name)
def test_each_says_who_it_is_and_who_met_it(persona: Persona):
    assert persona.source.startswith(("https://", "http://"))
    assert persona.about.zh.endswith("。") and not persona.about.zh.isascii()
    assert persona.about.en.endswith(".") and persona.about.en.isascii()
    assert not persona.visits[-1].interrupted


def test_the_list_names_them_for_people_and_programs(capsys: pytest.CaptureFixture[str]):
    assert main(["zoo", "--list", "--language", "zh"]) == 0
    shown = capsys.readouterr().out
    assert main(["zoo", "--list", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["name"] for each in told] == [persona.name for persona in PERSONAS]
    for each in told:
        assert each["zh"] in shown and each["source"] in shown


# Wrong gateways


@pytest.fixture
def gateway(tmp_path: Path):
    """Return how to write a gateway of a few lines, and the command that runs it."""

    def write(*lines: str) -> str:
        script = tmp_path / "gateway.py"
        script.write_text("\n".join(lines))
        return f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{radio}}"

    return write


def judged(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run the zoo; return its exit code and the verdict on the one persona that was met."""
    code = main(["zoo", "--json", *arguments])
    verdict = json.loads(capsys.readouterr().out)
    return code, verdict | {"faults": [fault["en"] for fault in verdict["faults"]]}


def pressure(systolic: float, diastolic: float, at: datetime = NOW, **more: object) -> Item:
    return BloodPressureReading(
        reading_id=uuid4(),
        device="C4:1D:00:5A:00:01",
        measured_at=at,
        doubt_s=2.0,
        clocks=Clocks(t_hub=at),
        systolic_mmhg=systolic,
        diastolic_mmhg=diastolic,
        unit="mmHg",
        **more,  # type: ignore[arg-type]
    )


def event(code: str) -> Item:
    return DeviceEvent(uuid4(), "C4:1D:00:5A:00:01", NOW, 0.0, Clocks(t_hub=NOW), code)


def test_one_that_prints_nothing_fails(gateway, capsys):
    code, verdict = judged(capsys, "--gateway", gateway(""), "--run", "err-record")
    assert code == 1 and not verdict["passed"]
    assert any("missing: 141/90 mmHg" in fault for fault in verdict["faults"])
    assert any("event measurement_failed: 0 times instead of 1" in f for f in verdict["faults"])


def test_one_that_takes_err_for_2047_mmhg_fails(gateway, capsys):
    line = encode_item(pressure(2047, 2047)).decode()
    code, verdict = judged(
        capsys, "--gateway", gateway(f"print({line!r})"), "--run", "err-odd-exponent"
    )
    assert code == 1
    assert any("nobody took: 2047/2047 mmHg" in fault for fault in verdict["faults"])


def test_what_is_no_json_is_counted_and_json_that_is_no_item_is_a_fault(gateway, capsys):
    lines = gateway("print('scanning ...')", "print('[1]')", "print('{\"systolic\": 120}')")
    _, verdict = judged(capsys, "--gateway", lines, "--run", "err-record")
    assert verdict["stray_lines"] == 2
    assert any('{"systolic": 120}' in fault for fault in verdict["faults"])


def test_one_that_hangs_is_stopped_and_told(gateway, capsys):
    command = gateway("import sys, time", "print('here', file=sys.stderr)", "time.sleep(600)")
    code, verdict = judged(
        capsys, "--gateway", command, "--limit-s", "1.5", "--run", "brief-window"
    )
    assert code == 1
    assert "visit 1: not ended after 1.5 s, stopped; its last words: 'here'" in verdict["faults"]


def test_one_that_crashes_is_told_with_its_last_words(gateway, capsys):
    _, verdict = judged(
        capsys, "--gateway", gateway("raise SystemExit('no air')"), "--run", "kilopascal"
    )
    assert "visit 1: ended with code 1: 'no air'" in verdict["faults"]


def test_the_table_says_what_was_expected_and_what_came(gateway, capsys):
    line = encode_item(event("battery_low")).decode()
    command = gateway(f"print({line!r})")
    assert main(["zoo", "--gateway", command, "--language", "zh", "--run", "two-users"]) == 1
    shown = capsys.readouterr().out
    assert "未过  two-users" in shown
    assert "应当: 131/85 mmHg 70/min #0" in shown
    assert "第 1 次：缺少：120/78 mmHg 66/min #255" in shown
    assert "实际: event battery_low" in shown
    assert "1 个中通过 0 个" in shown


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--run", "no-such-persona"), "no persona no-such-persona"),
        (("--run", "--gateway", "true"), "names neither {radio} nor {socket}"),
        (("--run", "--gateway", "no-such-program {radio}"), "no program 'no-such-program'"),
        (("--run", "--gateway", "echo '{radio}"), "No closing quotation"),
        (("--run", "--jobs", "0"), "--jobs 0 is not between 1 and"),
        (("--run", "--limit-s", "0"), "--limit-s 0.0 is not between 1 and"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(arguments, hint, capsys):
    assert main(["zoo", *arguments]) == 1
    assert hint in capsys.readouterr().err


def test_a_command_has_its_places_filled_in(tmp_path):
    command = parse_command("echo --radio {radio} --hci={socket} {state}/x --pin={passkey}")
    assert command.filled(tmp_path / "air", tmp_path, None)[1:] == [
        *("--radio", f"sim:unix:{tmp_path}/air"),
        *(f"--hci={tmp_path}/air", f"{tmp_path}/x"),
    ]
    assert command.filled(tmp_path / "air", tmp_path, 42)[-1] == "--pin=000042"


# The judgement

TAKEN = Pressure(10, 141, 90, 77, user=1)
WHEN = {TAKEN: moment(TAKEN, NOW)}
RIGHT = pressure(141, 90, WHEN[TAKEN], pulse_bpm=77.0, user=1, mean_mmhg=107.0)
LATE = datetime(2026, 3, 2, 7, 52).astimezone()


def faults(items: Sequence[Item], *expects: Stored | Event | Refused) -> list[str]:
    return [fault.en for fault in judge(expects, items, [], WHEN)]


def test_the_reading_that_was_taken_passes_and_other_events_are_the_gateways_own():
    assert faults([RIGHT, event("battery_low")], Stored((TAKEN,))) == []


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (pressure(140, 90, WHEN[TAKEN], pulse_bpm=77.0, user=1), "missing: 141/90"),
        (pressure(141, 90, WHEN[TAKEN], pulse_bpm=78.0, user=1), "missing: 141/90"),
        (pressure(141, 90, WHEN[TAKEN], pulse_bpm=77.0, user=0), "missing: 141/90"),
        (pressure(141, 90, LATE, pulse_bpm=77.0, user=1), "missing: 141/90"),
        (
            pressure(141, 90, WHEN[TAKEN], pulse_bpm=77.0, user=1, mean_mmhg=0.0),
            "mean pressure of 0",
        ),
    ],
)
def test_one_wrong_field_is_a_fault(wrong: Item, fault: str):
    assert any(fault in each for each in faults([wrong], Stored((TAKEN,))))


def test_a_reading_without_its_flag_is_a_fault():
    (fault,) = faults([RIGHT], Stored((TAKEN,), flags=("clock_error",)))
    assert "without the flag clock_error" in fault


def test_the_same_reading_twice_is_a_fault_in_one_visit_and_over_two():
    assert any("nobody took" in each for each in faults([RIGHT, RIGHT], Stored((TAKEN,))))
    (fault,) = judge((Stored((TAKEN,)),), [RIGHT], [RIGHT], WHEN)
    assert "printed twice" in fault.en and "重复" in fault.zh


def test_an_event_that_stands_for_a_record_must_be_expected():
    (fault,) = faults([event("measurement_failed")])
    assert "measurement_failed: 1 times instead of 0" in fault
    assert faults([event("stale_bond")], Event("stale_bond")) == []
    assert faults([event("stale_bond")] * 2, Event("stale_bond")) != []


def test_lines_that_are_no_items_are_kept_apart(tmp_path: Path):
    file = tmp_path / "stdout"
    file.write_bytes(encode_item(RIGHT) + b"\nhello\n\xff\xfe\n{}\n")
    printed = read_printed(file)
    assert [item.reading_id for item in printed.items] == [RIGHT.reading_id]
    assert printed.stray == 2 and len(printed.misshapen) == 1
