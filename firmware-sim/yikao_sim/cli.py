"""The command `yikao-sim`: devices, homes and phones that do not exist.

Each subcommand lives in a module of its own that offers `register(subcommands)`; what it needs to
run is imported only then, so that `--help` always answers.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence

from yikao_sim.errors import SimError

SUBCOMMANDS = (
    "yikao_sim.cli_air",
    "yikao_sim.cli_phone",
    "yikao_sim.cli_story",
    "yikao_sim.cli_town",
    "yikao_sim.cli_zoo",
)

DESCRIPTION = """\
Simulates what stands in a resident's home: blood-pressure cuffs and glucose meters that speak
Bluetooth, without any Bluetooth hardware. A gateway reaches them over a socket:

  yikao-sim air --homes 3 --stored 5 --listen unix:yikao-air &
  yikao-gateway scan --radio sim:unix:yikao-air
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 with one sentence on standard error."""
    parser = argparse.ArgumentParser(
        prog="yikao-sim",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subcommands = parser.add_subparsers(dest="subcommand", required=True, metavar="COMMAND")
    for name in SUBCOMMANDS:
        importlib.import_module(name).register(subcommands)
    arguments = parser.parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "bumble":
            raise
        print("yikao-sim: not installed completely: `pip install 'yikao[sim]'`", file=sys.stderr)
        return 1
    except SimError as error:
        print(f"yikao-sim: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
