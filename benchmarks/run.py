"""`make bench`: all figures in one table, or some, by the names in `ALL`."""

import importlib
import sys

from table import header

ALL = (
    *("frames", "edge", "gateway", "storage", "backlog", "live", "receipts", "poison", "growth"),
    *("evaluate", "replay", "trends"),
    *("paging", "paging_faults", "serving", "backtest"),
)


def main(names: list[str]) -> None:
    """Print the table of the benchmarks called `names`, of all when there are none."""
    if unknown := sorted(set(names) - set(ALL)):
        sys.exit(f"no benchmark {', '.join(unknown)}: there are {', '.join(ALL)}")
    print(header(), flush=True)
    for name in names or ALL:
        for figure in importlib.import_module(name).figures():
            print(figure.line(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
