"""What a day says about many residents at once: means, trends, season, level, labels.

The acute lane looks at the last readings of one resident and may page at night. This lane looks at
closed days of everybody together, fills the worklist and never pages at night. The same functions
serve the live evaluator (one resident, one day), the replay and the back-test (ten thousand
residents, two years): every number is bit-identical whichever way it was reached.
"""
