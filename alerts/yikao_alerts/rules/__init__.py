"""The rule set: data that a doctor can read and a program checks before it believes it."""

from functools import cache
from importlib import resources

from yikao_alerts.rules.file import parse_rules
from yikao_alerts.rules.model import Late, Normal, Protocol, Rule, RuleSet

__all__ = ["Late", "Normal", "Protocol", "Rule", "RuleSet", "load_rules", "parse_rules"]

DEFAULT_PROFILE = "cn"


@cache
def load_rules(profile: str = DEFAULT_PROFILE) -> RuleSet:
    """Return a rule set that comes with the product; refuses a faulty one, all faults named."""
    name = f"{profile}.toml"
    return parse_rules(resources.files(__name__).joinpath(name).read_text("utf-8"), name)
