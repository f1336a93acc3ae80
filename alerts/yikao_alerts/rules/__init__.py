"""The rule set: data that a doctor can read and a program checks before it believes it."""

from functools import cache

from yikao_alerts.rules.file import SHIPPED, parse_rules, read_rules
from yikao_alerts.rules.model import Late, Normal, Protocol, Recheck, Rule, RuleSet, Who

__all__ = [
    "SHIPPED",
    "Late",
    "Normal",
    "Protocol",
    "Recheck",
    "Rule",
    "RuleSet",
    "Who",
    "load_rules",
    "parse_rules",
]

DEFAULT_PROFILE = "cn"


def load_rules(name_or_path: str = DEFAULT_PROFILE) -> RuleSet:
    """Return a shipped rule set by name, or the one in a folder or file.

    A faulty set is refused with `FaultyFileError`, all faults named.
    """
    return _shipped(name_or_path) if name_or_path in SHIPPED else read_rules(name_or_path)


@cache
def _shipped(name: str) -> RuleSet:
    return read_rules(name)
