"""Detection offline: what a rule set would have found in readings that are already there.

From Python: `run.backtest_file(path, Job(...))` for a file, `run.backtest_records(block, Job(...))`
for records at hand; `summary.figures_of(result, job)` for what it would have cost. The command is
`yikao backtest`; docs/backtest.md tells the format.
"""
