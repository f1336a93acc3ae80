"""The command `yikao-gateway`: the edge agent, and the tools around it.

What a command needs is imported when it runs: `decode` waits for neither radio nor network.
"""

import importlib
import os
import sys
from collections.abc import Sequence

from yikao_gateway.cli_arguments import build_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    arguments = build_parser(os.environ).parse_args(argv)
    module, _, function = arguments.run.partition(":")
    run = getattr(importlib.import_module(f"yikao_gateway.{module}"), function)
    try:
        code: int = run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
