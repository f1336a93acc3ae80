"""Runs a program as on a machine whose clock is wrong: `machine_clock.py SECONDS PYTHON -m MODULE`.

SECONDS is how far ahead the clock is; the machine's other clock, which only counts, is as it is.
"""

import runpy
import sys
import time

true_time = time.time
ahead_s = float(sys.argv[1])
time.time = lambda: true_time() + ahead_s
_, _, _python, _module, module, *arguments = sys.argv
sys.argv = [module, *arguments]
runpy.run_module(module, run_name="__main__", alter_sys=True)
