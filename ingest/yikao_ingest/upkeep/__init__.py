"""The work of a database that nobody asks for: months made ahead, roll-ups, jobs, retention.

One process does it at a time, beside the evaluator; whoever holds the advisory lock. What it did
last and what is amiss stands in the table `upkeep_task`.
"""
