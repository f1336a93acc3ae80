"""How many examples Hypothesis draws, and that it judges by results, not by time.

On a busy machine a deadline would fail at random. Examples are drawn anew in each run, so that a
week of runs draws thousands; `make torture` draws twenty runs' at once.
"""

from typing import Any

from hypothesis import HealthCheck, settings

EXAMPLES = 100
"""Hypothesis' own number: a second or less where no rule set is read and no database written."""
TORTURE_EXAMPLES = 20 * EXAMPLES

settings.register_profile("yikao", deadline=None, print_blob=True, max_examples=EXAMPLES)
settings.register_profile(
    "torture",
    settings.get_profile("yikao"),
    max_examples=TORTURE_EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("yikao")


def examples(count: int, **more: Any) -> settings:
    """Return settings with another number of examples: fewer where each is dear.

    `make torture` takes as many times this number as it takes of the usual one.
    """
    return settings(max_examples=count * settings().max_examples // EXAMPLES, **more)
