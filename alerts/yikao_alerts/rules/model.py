"""A rule set as values: what each rule looks for, in whom, what follows, and when it is over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from yikao_alerts.history import Measurement
from yikao_alerts.limits import Limit, value_of
from yikao_alerts.resident import Resident
from yikao_alerts.rules.forms import Form, OnReading
from yikao_alerts.rules.words import form_text

SEVERITIES: Final = ("technical", "info", "this_week", "today", "page_now")
"""From "tell the helper" to "wake the doctor"."""
PAGING: Final = ("today", "page_now")
"""Severities for which somebody is called: `escalation.toml` has the steps of each."""
ANY_KIND: Final = "any"
LANES: Final = ("acute", "daily", "config")
"""When a rule is looked at: at each arrival, once a day, never (it only says targets)."""
ADDRESSEES: Final = ("chain_crisis", "chain_today", "chain_week", "nurse", "none")


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a rule is for: every condition that is given has to hold.

    groups_any, or_age_at_least: one of these groups, or that age. options_all: switched on by the
    doctor. An unknown age is below every bound: `age_below` and `age_at_least` always complete
    each other.
    """

    groups_all: frozenset[str] = frozenset()
    groups_any: frozenset[str] = frozenset()
    groups_none: frozenset[str] = frozenset()
    age_at_least: int | None = None
    age_below: int | None = None
    or_age_at_least: int | None = None
    options_all: frozenset[str] = frozenset()

    def met_by(self, resident: Resident, day: date) -> bool:
        """Return whether the resident is one of them on that day."""
        age = resident.age_at(day)
        return (
            self.groups_all <= resident.groups
            and not self.groups_none & resident.groups
            and self.options_all <= resident.options
            and (self.age_at_least is None or _reached(age, self.age_at_least))
            and (self.age_below is None or not _reached(age, self.age_below))
            and self._one_of_any(resident, age)
        )

    def _one_of_any(self, resident: Resident, age: int | None) -> bool:
        if not self.groups_any and self.or_age_at_least is None:
            return True
        old = self.or_age_at_least is not None and _reached(age, self.or_age_at_least)
        return old or bool(self.groups_any & resident.groups)


def _reached(age: int | None, bound: int) -> bool:
    return age is not None and age >= bound


EVERYBODY: Final = Who()


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a first reading is confirmed; without a reply in the window it counts as confirmed.

    window: how long a reply is awaited. gap: the least time to the repeat, which is also the rest
    that is asked for. differ_mmhg, near_mmhg: two pressures that lie further apart, or whose mean
    lies closer to the rule's limit, do not decide yet: a third is asked for.
    """

    name: str
    window: timedelta
    gap: timedelta
    statistic: str
    differ_mmhg: float | None
    source: str
    near_mmhg: float | None = None


@dataclass(frozen=True, slots=True)
class Recheck:
    """What happens at home after a page: measured again in rounds until it is over, or is not.

    A round is below when its value (`statistic`: a protocol's, or the single value) reaches every
    limit. downgrade, resolve: so many rounds in a row, no symptom; resolve_once: one round is
    enough, where the resident can eat. Escalates: a round that reaches one of `escalate`, a new
    symptom, silence of `silent`, or one of `still` reached after `still_after`, or in each of the
    first `still_rounds` rounds. next_day_task: a visit next day is written down in any case.
    """

    name: str
    kind: str
    every: timedelta
    rounds_max: int
    statistic: str | None
    silent: timedelta
    resolve: tuple[Limit, ...]
    resolve_rounds: int
    resolve_once: tuple[Limit, ...] = ()
    downgrade: tuple[Limit, ...] = ()
    downgrade_rounds: int = 0
    escalate: tuple[Limit, ...] = ()
    still: tuple[Limit, ...] = ()
    still_after: timedelta | None = None
    still_rounds: int = 0
    next_day_task: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What makes a finding more severe: everything that is given has to hold; several upgrades of
    a rule are alternatives.

    limits: one is reached by the reading, or by the confirmed mean. symptoms: one was reported near
    it. recheck: `low_twice` (still low in two re-checks), `no_recheck` (none within `minutes`),
    `rising` (higher on the repeat), `crisis_silent` (a page is open, nothing comes for `minutes`).
    """

    severity: str
    symptoms: frozenset[str] = frozenset()
    who: Who = EVERYBODY
    limits: tuple[Limit, ...] = ()
    recheck: str | None = None
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Downgrade:
    """What makes a finding less severe, only for residents whose doctor has switched it on.

    no_symptom: none was reported near it. limits: a reading of each, of its own kind, at most
    `within` old, reaches it.
    """

    severity: str
    who: Who
    no_symptom: bool = False
    limits: tuple[Limit, ...] = ()
    within: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Normal:
    """When an answered episode may end: so many readings in a row within `limits`, so far apart.

    of: `readings`, or `sessions` by their mean. A symptom that is reported begins the count anew.
    """

    kind: str
    limits: tuple[Limit, ...]
    rounds: int
    apart: timedelta
    of: str = "readings"

    def met_by(self, measurement: Measurement) -> bool:
        """Return whether the measurement lies within every limit."""
        return all(limit.reached_by(measurement) for limit in self.limits)


@dataclass(frozen=True, slots=True)
class Ends:
    """When a worklist entry is over: one of these.

    limits: the rule's own mean reaches every one. level_below: or the level is above the rule's
    limit with a probability below this. quiet_days: so many days without a finding of the rule.
    any_reading: as soon as anything is measured.
    """

    limits: tuple[Limit, ...] = ()
    level_below: float | None = None
    quiet_days: int | None = None
    any_reading: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """Rule DQ-03: what the age of a reading allows. never: rules that no age makes less urgent."""

    late_after: timedelta
    call_after: timedelta
    information_after: timedelta
    never: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Suppress:
    """What keeps a doctor from hearing the same twice, and what nothing may keep away."""

    refractory: timedelta
    never: frozenset[str]
    mute_max: timedelta
    never_mutes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Template:
    """Targets for a group of people, below what a doctor sets for one of them.

    rule_id: the rule it belongs to. level: where two templates name a target, the higher one holds.
    """

    name: str
    rule_id: str
    level: int
    who: Who
    targets: Mapping[str, float]
    name_zh: str
    name_en: str
    source: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `family` is the kind of episode it opens, None for data quality.

    level orders the rules of one family: only a higher one is news after an answer. recheck: a name
    in `RuleSet.rechecks`. human_only: only a person ends its episode, whatever `normal` says.
    addressee, obstetric: which chain is told, and that the obstetric contact is told as well.
    """

    id: str
    family: str | None
    kind: str
    severity: str
    level: int
    lane: str
    form: Form
    name_zh: str
    name_en: str
    source: str
    evidence: str
    who: Who = EVERYBODY
    protocol: Protocol | None = None
    recheck: str | None = None
    upgrades: tuple[Upgrade, ...] = ()
    downgrades: tuple[Downgrade, ...] = ()
    normal: Normal | None = None
    ends: Ends | None = None
    ask_again: bool = False
    quarantine: bool = False
    human_only: bool = False
    addressee: str = "none"
    obstetric: bool = False
    patient_zh: str = ""
    patient_en: str = ""

    @property
    def is_crisis(self) -> bool:
        """Whether a single reading may be reason enough to call somebody at once: such a rule looks
        at readings wherever they were measured, all others at those of home."""
        form = self.form
        return self.severity == "page_now" and isinstance(form, OnReading) and not form.times

    def about(self, measurement: Measurement) -> bool:
        """Return whether this rule looks at such a measurement at all."""
        return self.kind in (ANY_KIND, measurement.kind)

    def met_by(self, measurement: Measurement) -> bool:
        """Return whether the measurement alone meets the rule's limits, flags or order."""
        form = self.form
        if not isinstance(form, OnReading) or not self.about(measurement):
            return False
        if form.unless_flags & measurement.flags:
            return False
        if form.contexts and measurement.context not in form.contexts:
            return False
        if form.flags & measurement.flags or _out_of_order(form, measurement):
            return True
        return any(limit.reached_by(measurement) for limit in form.any)

    def name(self, language: str) -> str:
        """Return its name in `zh` or `en`."""
        return self.name_zh if language == "zh" else self.name_en

    def limits_text(self, language: str) -> str:
        """Return what it looks for as one line for people."""
        return form_text(self.form, language)


def _out_of_order(form: OnReading, measurement: Measurement) -> bool:
    if form.order is None:
        return False
    low, high = (value_of(measurement, name) for name in form.order)
    return low is not None and high is not None and low >= high


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, the most severe and highest level first."""

    version: str
    profile: str
    digest: str
    late: Late
    rules: tuple[Rule, ...]
    suppress: Suppress
    protocols: Mapping[str, Protocol] = field(default_factory=dict)
    rechecks: Mapping[str, Recheck] = field(default_factory=dict)
    templates: tuple[Template, ...] = ()
    texts: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    """Its own files, name and text each: stored with the decisions that it makes."""

    def __hash__(self) -> int:
        return hash(self.digest)

    def rule(self, rule_id: str) -> Rule:
        """Return the rule called `rule_id`; a missing one is a programmer's error."""
        return next(rule for rule in self.rules if rule.id == rule_id)

    def normal(self, rule_id: str) -> Normal | None:
        """Return what ends an episode of that rule by itself; nothing, where the rule is gone."""
        return next((rule.normal for rule in self.rules if rule.id == rule_id), None)

    def implausible(self, measurement: Measurement) -> Rule | None:
        """Return the rule that puts such a measurement in quarantine, or None."""
        for rule in self.rules:
            if rule.quarantine and rule.met_by(measurement):
                return rule
        return None
