"""Hypothesis judges by results, not by time: on a busy machine a deadline would fail at random."""

from hypothesis import settings

settings.register_profile("yikao", deadline=None, print_blob=True)
settings.load_profile("yikao")
