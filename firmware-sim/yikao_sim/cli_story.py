"""`yikao-sim story`: people who do not exist live through a story, on an air that is running."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from datetime import tzinfo
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec

from yikao_devices.story_clock import VARIABLE
from yikao_devices.toml_lines import FaultyFileError
from yikao_sim.control_client import ask
from yikao_sim.device_clock import zone_named
from yikao_sim.errors import SimError
from yikao_sim.process import clock_of_environment, run_until_stopped, typed_lines
from yikao_sim.story import Story, parse_story
from yikao_sim.story_player import Kind, Told, play
from yikao_sim.terminal import plain

DESCRIPTION = """\
Plays a story in the homes of a running air, and tells it here: who measures what, minute by
minute of the story's clock. It ends when everything has happened.

With --stdin-prompts people also do what their gateway's display asks for. Each line on standard
input is one display, {"home": "h1", "prompt": {...}} with the command as the gateway received it;
for each new command that asks to measure again the home's next reply is used. The story then ends
when all replies are used too, or at the end of the input.
"""

EXAMPLES = f"""\
examples:
  an hour of the night call in one minute
    export {VARIABLE}="$(date -Is)@$(date +%s)*60"
    yikao-sim air --listen unix:yikao-air --control unix:yikao-control &
    yikao-sim story night_call --control unix:yikao-control

A story is a TOML file:
    title_zh = "夜里的电话"
    title_en = "A call at night"
    [[event]]                        # do = "measure" or "say"
    after_min = 1.0
    home = "h1"
    do = "measure"
    systolic = 180                   # or glucose_mmol_l = 2.7, meal = "fasting"
                                     # or weight_kg, temperature_c, spo2_pct, heart_rate_bpm
    diastolic = 104
    say_zh = "头痛"
    say_en = "a headache"
    [[reply]]                        # when asked to measure again
    home = "h1"
    after_s = 90
    systolic = 184
    diastolic = 106

environment:
  {VARIABLE}   STORY@REAL*SPEED, the story's clock: `yikao-sim air --help`
"""

UNITS: Final = {
    "glucose_mmol_l": "mmol/L",
    "weight_kg": "kg",
    "temperature_c": "°C",
    "spo2_pct": "% SpO2",
    "heart_rate_bpm": "bpm",
}
"""What else is measured than a pressure, and how it is shown."""

WORDS: Final[dict[Kind, str]] = {
    "asked": "屏幕请再测一次 asked to measure again",
    "unanswered": "屏幕请再测一次，无人应 asked, nobody measures",
    "shown": "屏幕显示 the display says",
    "unreadable": "看不懂的提示 unreadable prompt",
}


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "story",
        help="people who measure when a story says so",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    add = parser.add_argument
    shipped = ", ".join(sorted(shipped_stories()))
    add("file", metavar="FILE", help=f"a story file, or one that comes with the program: {shipped}")
    add("--control", required=True, metavar="WHERE", help="unix:PATH, the air's --control")
    add("--stdin-prompts", action="store_true", help="read what displays say from standard input")
    add("--zone", default="Asia/Shanghai", help="for the times shown (%(default)s)")
    add("--json", action="store_true", help="tell the story as JSON lines")


def run(arguments: argparse.Namespace) -> int:
    """Play to the end, Ctrl-C or SIGTERM; return 0, or 2 for a faulty story. Raises `SimError`."""
    try:
        story = parse_story(_read(arguments.file), arguments.file)
    except FaultyFileError as error:
        print(error, file=sys.stderr)
        return 2
    tell = _tell_json if arguments.json else _teller(zone_named(arguments.zone))
    asyncio.run(run_until_stopped(_play(story, arguments, tell)))
    return 0


def shipped_stories() -> dict[str, Path]:
    """Return the stories that come with the program, by name."""
    folder = Path(str(resources.files("yikao_sim") / "stories"))
    return {path.stem: path for path in folder.glob("*.toml")}


async def _play(story: Story, arguments: argparse.Namespace, tell: Callable[[Told], None]) -> None:
    clock = clock_of_environment()
    homes = (await ask(arguments.control, {"do": "homes"}))["homes"]
    missing = story.homes() - {home["home"] for home in homes}
    if missing:
        raise SimError(f"the air has no home {', '.join(sorted(missing))}: raise its --homes")

    async def measure(home: str, measured: dict[str, Any]) -> None:
        await ask(arguments.control, {"do": "measure", "home": home} | measured)

    prompts = typed_lines() if arguments.stdin_prompts else None
    await play(story, clock, measure, tell, prompts)


def _tell_json(told: Told) -> None:
    print(msgspec.json.encode(told).decode(), flush=True)


def _teller(zone: tzinfo) -> Callable[[Told], None]:
    return lambda told: print(sentence(told, zone), flush=True)


def sentence(told: Told, zone: tzinfo) -> str:
    """Return one line of the story in both languages, with its time in `zone`."""
    at = f"{told.story.astimezone(zone):%H:%M}"
    both = plain(" / ".join(text for text in (told.zh, told.en) if text))
    match told.event:
        case "begins":
            return f"{at}  《{plain(told.zh)}》 {plain(told.en)}"
        case "ends":
            unused = f"，{told.replies} 次回复未用 {told.replies} replies unused"
            return f"{at}  故事结束 the story ends{unused * (told.replies > 0)}"
        case "said" | "measured":
            parts = (at, told.home, both, measured_text(told.measured))
        case _:
            parts = (at, plain(told.home), WORDS[told.event], both)
    return "  ".join(part for part in parts if part)


def measured_text(measured: dict[str, Any]) -> str:
    """Return what the device shows, with its unit; empty when nothing was measured."""
    if "systolic" in measured:
        pulse = f"，{measured['pulse']} bpm" if "pulse" in measured else ""
        return f"▸ {measured['systolic']}/{measured['diastolic']} mmHg{pulse}"
    for name, unit in UNITS.items():
        if name in measured:
            return f"▸ {measured[name]} {unit}"
    return ""


def _read(name: str) -> str:
    path = Path(name)
    if not path.exists():
        path = shipped_stories().get(name, path)
    try:
        return path.read_text("utf-8")
    except OSError as error:
        known = ", ".join(sorted(shipped_stories()))
        raise SimError(f"cannot read {name}: {error.strerror}; there is {known}") from error
    except UnicodeDecodeError as error:
        raise SimError(f"{name} is not UTF-8 text: save it as UTF-8") from error
