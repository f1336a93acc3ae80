"""`yikao-sim air`: homes with cuffs and meters on a simulated air, until Ctrl-C."""

import argparse
import asyncio
import json
import logging
import os
import sys
import time
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yikao_devices.story_clock import VARIABLE, ClockSpecError, parse_clock
from yikao_sim.arguments import within
from yikao_sim.csv_play import Taken, evenly, from_now, read_csv
from yikao_sim.device_clock import zone_named
from yikao_sim.errors import SimError

if TYPE_CHECKING:
    # Not at run time: bumble is needed to serve, not to print the help.
    from yikao_sim.home import Outfit

HOMES_MAX = 2000
"""About 200 kB and a per cent of a processor core for ten; a town starts several airs."""
DEVICES = ("cuff", "meter", "scale", "thermometer", "oximeter", "strap")
SAMPLE = "sample"
SAMPLE_FILE = Path(str(resources.files("yikao_sim") / "data" / "home_bp_subset.csv"))
SAMPLE_MIN_S = 0.01
"""A strap tells no more than a hundred numbers a real second, however fast the story runs."""
STORED_MAX = 1000
"""What a meter's memory holds."""

DESCRIPTION = """\
Puts homes on a simulated air, each with a blood-pressure cuff and a glucose meter, or what else
you choose, and lets gateways reach them over a socket as if it were their Bluetooth controller.

People measure nothing by themselves: give them a file (--csv), tell them what to measure over
--control, or let their devices hold records already (--stored). A cuff can be reached only for a
while after a measurement, a meter always, as in life.
"""

EXAMPLES = f"""\
examples:
  two homes whose devices hold ten records each
    yikao-sim air --homes 2 --stored 10 --listen unix:yikao-air

  devices that show a passkey, and measurements on demand
    yikao-sim air --pairing passkey:123456 --control unix:yikao-control
    echo '{{"do":"measure","home":"h1","systolic":180,"diastolic":104,"pulse":88}}' \\
        | nc -U -q1 yikao-control

  a scale, a thermometer, a finger clip and a chest strap
    yikao-sim air --devices scale,thermometer,oximeter,strap --stored 3 --control unix:yikao-control
    echo '{{"do":"measure","home":"h1","heart_rate_bpm":72}}' | nc -U -q1 yikao-control

  real readings from a file, first ones now, an hour in a minute, the truth kept aside
    {VARIABLE}="$(date -Is)@$(date +%s)*60" \\
        yikao-sim air --csv home_bp.csv --start now --truth truth.jsonl

A file has the columns person, measured_at and either systolic, diastolic (and pulse) or
glucose_mmol_l or glucose_mg_dl. Its first person lives in home h1, the next in h2, and so on.

environment:
  {VARIABLE}   STORY@REAL*SPEED: at the Unix second REAL the story's time is STORY, and it
               runs SPEED times as fast, for example 2026-03-02T21:50:00+08:00@1772459400*60
"""


def register(subcommands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommand."""
    parser = subcommands.add_parser(
        "air",
        help="homes with cuffs and meters, reached over a socket",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    _add_places(parser.add_argument_group("where"))
    _add_people(parser.add_argument_group("who measures what"))
    _add_devices(parser.add_argument_group("their devices"))


def _add_places(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--listen",
        default="unix:yikao-air",
        metavar="WHERE",
        help="unix:PATH or tcp:HOST:PORT, where gateways call (%(default)s)",
    )
    group.add_argument("--control", metavar="WHERE", help="unix:PATH of the remote control")
    group.add_argument(
        "--truth", type=Path, metavar="FILE", help="append what truly happened, as JSON lines"
    )
    group.add_argument("--json", action="store_true", help="say when ready in JSON")


def _add_people(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--homes", type=int, metavar="N", help="how many homes (1, or one per person of --csv)"
    )
    group.add_argument(
        "--csv", metavar="FILE", help="readings that people take; `sample`: real ones, included"
    )
    group.add_argument(
        "--first-home", type=int, default=1, metavar="N", help="home of the first person (1)"
    )
    group.add_argument(
        "--every-min",
        type=float,
        metavar="M",
        help="take them from now on, one every M minutes of story time, whenever they were taken",
    )
    group.add_argument(
        "--until-min", type=float, metavar="M", help="and none later than M minutes from now"
    )
    group.add_argument(
        "--start",
        choices=("first", "now"),
        default="first",
        help="take them at their own times, or shift each person's first one to now (%(default)s)",
    )
    group.add_argument(
        "--stored", type=int, default=0, metavar="N", help="records each device holds already"
    )
    group.add_argument(
        "--zone", default="Asia/Shanghai", help="time zone of the homes (%(default)s)"
    )
    group.add_argument(
        "--seed", type=int, default=1, help="same seed, same devices and records (%(default)s)"
    )


def _add_devices(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--devices",
        default="both",
        metavar="LIST",
        help=f"both (cuff and meter), all, or some of {', '.join(DEVICES)} with commas between "
        "(%(default)s)",
    )
    group.add_argument(
        "--pairing",
        default="just-works",
        metavar="HOW",
        help="just-works, passkey:123456 or none (%(default)s)",
    )
    group.add_argument(
        "--legacy", action="store_true", help="pair as devices before Bluetooth 4.2 do"
    )
    group.add_argument(
        "--advertise-ms", type=float, default=100, metavar="MS", help="interval (%(default)s)"
    )
    group.add_argument(
        "--cuff-window-s",
        type=float,
        default=60,
        metavar="S",
        help="real seconds a cuff can be reached after a measurement (%(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; return 0. Raises `SimError` when it cannot."""
    from yikao_sim.serve import Settings, serve

    # Packets that cross a link as it goes down are no news to anybody.
    logging.getLogger("bumble").setLevel(logging.ERROR)
    try:
        clock = parse_clock(os.environ.get(VARIABLE))
    except ClockSpecError as error:
        raise SimError(str(error)) from error
    people = _people(arguments, clock.at(time.time())) if arguments.csv is not None else {}
    first_home = within("--first-home", arguments.first_home, 1, HOMES_MAX)
    housed = first_home - 1 + len(people)
    homes = max(1, housed) if arguments.homes is None else arguments.homes
    settings = Settings(
        listen=arguments.listen,
        homes=within("--homes", homes, 1, HOMES_MAX),
        clock=clock,
        outfit=_outfit(arguments, clock.speed),
        people=people,
        first_home=first_home,
        stored=within("--stored", arguments.stored, 0, STORED_MAX),
        control=arguments.control,
        truth=arguments.truth,
    )
    if housed > settings.homes and arguments.csv != SAMPLE:
        print(
            f"yikao-sim: {housed - settings.homes} of {len(people)} people have no home and "
            "measure nothing: raise --homes",
            file=sys.stderr,
        )
    asyncio.run(serve(settings, lambda ready: _announce(ready, arguments.json)))
    return 0


def _people(arguments: argparse.Namespace, now: datetime) -> dict[str, list[Taken]]:
    """Return whose readings are taken, and when."""
    file = SAMPLE_FILE if arguments.csv == SAMPLE else Path(arguments.csv)
    people = read_csv(file, zone_named(arguments.zone))
    if arguments.every_min is not None:
        every = timedelta(minutes=within("--every-min", arguments.every_min, 1, 1440))
        until = arguments.until_min and timedelta(minutes=arguments.until_min)
        return evenly(people, now, every, until)
    return from_now(people, now) if arguments.start == "now" else people


def _outfit(arguments: argparse.Namespace, speed: float) -> "Outfit":
    from yikao_sim.home import Outfit
    from yikao_sim.peripherals.cuff import CuffBehaviour
    from yikao_sim.peripherals.glucometer import MeterBehaviour
    from yikao_sim.peripherals.oximeter import OximeterBehaviour
    from yikao_sim.peripherals.pairing import parse_protection
    from yikao_sim.peripherals.store import RecorderBehaviour
    from yikao_sim.peripherals.strap import SECOND_S, StrapBehaviour

    window_s = within("--cuff-window-s", arguments.cuff_window_s, 1, 86_400)
    chosen = _devices(arguments.devices)
    recorder = RecorderBehaviour(window_s)
    every_s = max(SECOND_S / speed, SAMPLE_MIN_S)
    return Outfit(
        seed=arguments.seed,
        protection=parse_protection(arguments.pairing, legacy=arguments.legacy),
        # Core Specification, Vol 6, Part B, 4.4.2.2.
        advertise_ms=within("--advertise-ms", arguments.advertise_ms, 20, 10_240),
        zone=zone_named(arguments.zone),
        cuff=CuffBehaviour(window_s) if "cuff" in chosen else None,
        meter=MeterBehaviour() if "meter" in chosen else None,
        scale=recorder if "scale" in chosen else None,
        thermometer=recorder if "thermometer" in chosen else None,
        oximeter=OximeterBehaviour(window_s) if "oximeter" in chosen else None,
        strap=StrapBehaviour(every_s) if "strap" in chosen else None,
    )


def _devices(text: str) -> set[str]:
    """Return the kinds of devices that `--devices` asks for. Raises `SimError`."""
    match text:
        case "both":
            return {"cuff", "meter"}
        case "all":
            return set(DEVICES)
    chosen = set(text.split(","))
    if unknown := chosen - set(DEVICES):
        known = ", ".join(("both", "all", *DEVICES))
        raise SimError(f"--devices {', '.join(sorted(unknown))}: there are {known}")
    return chosen


def _announce(ready: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(ready, ensure_ascii=False), flush=True)
        return
    devices = [device for home in ready["homes"] for device in home["devices"]]
    listed = ", ".join(f"{device['name']} {device['address']}" for device in devices[:4])
    more = f" and {len(devices) - 4} more" if len(devices) > 4 else ""
    print(f"ready at {ready['listen']}: {len(ready['homes'])} homes, {listed}{more}", flush=True)
