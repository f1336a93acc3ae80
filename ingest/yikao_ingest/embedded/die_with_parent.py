"""Become another program, one that the kernel stops when our process ends, even by kill -9.

Run as a script by `child.spawn`: `python -I -S die_with_parent.py SIGNAL PARENT PROGRAM ARG…`.
It keeps its process id. It is a script, and not code run between fork and exec in the parent,
because the parent has threads and such code may deadlock there. Not `setpriv --pdeathsig` either:
that is missing on Alpine and macOS, and does not notice a parent that died before it asked.

Source: prctl(2), PR_SET_PDEATHSIG (Linux). It survives exec, as long as that gains no privileges.
Elsewhere (macOS) the program is started all the same, and a kill -9 of the parent leaves it behind.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""


def main(arguments: list[str]) -> None:
    """Replace this process by PROGRAM; end quietly when PARENT is gone already."""
    death_signal, parent, *argv = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(int(death_signal)))
        if os.getppid() != int(parent):
            sys.exit(1)
    # We begin deaf (see `child`); the server must not. What came meanwhile ends us now, quietly.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        sys.exit(f"cannot run {argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
