"""`python benchmarks/gates.py`: is detection as good as promised, on people who do not exist?

Each gate prints its figures with 95 % intervals beside the bar they have to hold. Exit code 1 when
one fails.

  python benchmarks/gates.py                                all gates, as docs/gates.md has them
  python benchmarks/gates.py trend labels --people 1000     some, quickly
  python benchmarks/gates.py crisis --seeds 21 22 23 --json crisis.json
"""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

from gates_figures import HEAD, Figure
from table import header

GATES = {"trend": 1500, "labels": 2500, "crisis": 4000, "glucose": 1000, "pages": 250}
"""Gates, and people in each of their towns."""
SEEDS = (41, 42, 43, 44)
"""Never those on which numbers were chosen (docs/gates.md)."""
TOLD_EVERY_S = 0.5


class Progress:
    """How many people were made and judged so far, on one line of a terminal."""

    def __init__(self, gate: str) -> None:
        self._gate, self._began, self._people, self._told = gate, time.monotonic(), 0, 0.0

    def __call__(self, people: int) -> None:
        """Count some more."""
        self._people += people
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._told > TOLD_EVERY_S:
            self._told = now
            spent = now - self._began
            line = f"\r{self._gate}: {self._people:,} people in {spent:.0f} s\033[K"
            print(line, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave the line to what comes next."""
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def machine() -> str:
    """Return what the figures are taken on: processor, system, Python, commit."""
    return header().partition("; medians")[0]


def main() -> int:
    """Print the figures; return 1 when a bar is not held."""
    arguments = _arguments()
    names = arguments.gates or list(GATES)
    print(f"{machine()}; seeds {', '.join(map(str, arguments.seeds))}\n", flush=True)
    found: dict[str, list[Figure]] = {}
    for name in names:
        people = arguments.people or GATES[name]
        print(f"## {name}: towns of {people:,} people\n\n{HEAD}", flush=True)
        found[name] = _measured(name, people, arguments.seeds)
        print(flush=True)
    if arguments.json:
        plain = {name: [figure.plain() for figure in each] for name, each in found.items()}
        document = {"on": machine(), "seeds": arguments.seeds, "gates": plain}
        arguments.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    failed = [figure.what for each in found.values() for figure in each if figure.fails]
    print(f"fails: {'; '.join(failed)}" if failed else "every bar is held")
    return 1 if failed else 0


def _measured(name: str, people: int, seeds: list[int]) -> list[Figure]:
    progress = Progress(name)
    figures = []
    for figure in importlib.import_module(f"gates_{name}").figures(people, seeds, progress):
        progress.clear()
        print(figure.row(), flush=True)
        figures.append(figure)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("gates", nargs="*", metavar="GATE", help=f"some of {', '.join(GATES)}")
    parser.add_argument("--people", type=int, help="in each town, for all gates alike")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="%(default)s")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures here as well")
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.gates) - set(GATES)):
        parser.error(f"no gate {', '.join(unknown)}: there are {', '.join(GATES)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
