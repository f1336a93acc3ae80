"""The file of the escalation: which steps there are for each severity, checked when it is loaded.

What it may say is bounded by the rule table's severities: red calls at once, has somebody else
within ten minutes, the desk within twenty, and never pauses for longer; yellow comes within four
hours of the day, and leaves people their night.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, Final, get_args

from yikao_alerts.channels.kinds import Kind
from yikao_alerts.roster import ROLES
from yikao_alerts.rules.keys import Faults, Key, one_of, table, tables, whole
from yikao_alerts.rules.model import PAGING
from yikao_devices.toml_lines import FaultyFileError, parse_toml

RED: Final = "page_now"
PAUSE_MAX_MIN: Final = 10
"""Red: longest pause between two calls, and until somebody else than the first is called."""
DESK_WITHIN_MIN: Final = 20
DESK: Final = "duty_desk"
"""Red: who is called in the end, for ever, and when at the latest."""
DAY_BEGINS, NIGHT_BEGINS = time(7), time(22)
"""Yellow: what the night held comes when it ends."""
DIGEST_GAP_MAX_MIN: Final = 240
CALLS_A_DAY_MAX: Final = 100
STEPS_MAX: Final = 20
"""Steps of a chain; those beside it are numbered from 100 on."""


@dataclass(frozen=True, slots=True)
class Step:
    """Whom to page, and how long after the first; `by`: the kind of contact, where it matters.

    after: minutes, or digests where the policy has them.
    """

    after: int
    who: str
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """The steps for one severity; after the last one it repeats, every so many minutes or digests.

    digest_at: the times of day at which pages go out together; empty for at once. beside: calls in
    addition to the chain, without repetition.
    """

    steps: tuple[Step, ...]
    repeat_every: int
    digest_at: tuple[time, ...] = ()
    beside: tuple[Step, ...] = ()
    calls_a_day: int | None = None
    """For so many episodes a doctor is called on one day, the worst; None: for all of them."""


@cache
def load_policies() -> Mapping[str, Policy]:
    """Return the policy of each severity that pages."""
    name = "escalation.toml"
    text = resources.files("yikao_alerts.rules").joinpath(name).read_text("utf-8")
    return parse_policies(text, name)


def parse_policies(text: str, path: str) -> Mapping[str, Policy]:
    """Return the policies in `text`; refuses it with `FaultyFileError`, all faults at once."""
    values, lines = parse_toml(text, path)
    faults = Faults(lines)
    if faults.check(values, dict.fromkeys(PAGING, table()), ("", 0), "file"):
        for severity, entry in values.items():
            _check_policy(faults, severity, entry)
    if faults.found:
        raise FaultyFileError(path, faults.found)
    return {severity: _policy(severity, entry) for severity, entry in values.items()}


def _policy(severity: str, values: Mapping[str, Any]) -> Policy:
    def steps(name: str) -> tuple[Step, ...]:
        after = _after_key(severity)
        return tuple(Step(s[after], s["who"], s.get("by")) for s in values.get(name, ()))

    digests = (time.fromisoformat(at) for at in values.get("digest_at", ()))
    return Policy(
        steps("steps"),
        values.get("repeat_every_min", 1),
        (*digests,),
        steps("beside"),
        values.get("calls_a_day"),
    )


def _after_key(severity: str) -> str:
    return "after_min" if severity == RED else "after_digests"


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and time.fromisoformat(value).tzinfo is None
    except ValueError:
        return False


_TIMES: Final = Key(
    lambda value: isinstance(value, list) and bool(value) and all(map(_is_time, value)),
    'Write a list of times, ["07:00", "11:00"]',
)


def _check_policy(faults: Faults, severity: str, values: Mapping[str, Any]) -> None:
    """Check one severity's keys, then what they mean together."""
    own = (
        {"repeat_every_min": whole(1, PAUSE_MAX_MIN)}
        if severity == RED
        else {"digest_at": _TIMES, "calls_a_day": whole(1, CALLS_A_DAY_MAX).optional}
    )
    keys = {**own, "steps": tables(), "beside": tables().optional}
    if not faults.check(values, keys, (severity, 0), severity):
        return
    step = {
        _after_key(severity): whole(0, 24 * 60),
        "who": one_of(ROLES),
        "by": one_of(get_args(Kind)).optional,
    }
    for name in ("steps", "beside"):
        for each in values.get(name, ()):
            faults.check(each, step, (severity, 0), f"{severity}: {name}", inside=name)
    if faults.found:
        return
    policy = _policy(severity, values)
    sense = _red_sense if severity == RED else _digest_sense
    for key, what, fix in (*_chain_sense(policy), *sense(policy)):
        faults.add((severity, 0, key), f"{severity}: {what}", fix)


Wrong = tuple[str, str, str]
"""A key, what is wrong with it, and the fix."""


def _chain_sense(policy: Policy) -> Iterator[Wrong]:
    afters = [step.after for step in policy.steps]
    if afters[0] != 0:
        yield "steps", "nobody is called at once", "Begin with 0"
    if len(afters) > STEPS_MAX:
        yield "steps", f"{len(afters)} steps", f"Write at most {STEPS_MAX}"
    if any(step.who == ROLES[-1] for step in policy.steps):
        yield "steps", "a specialist is called beside the chain", "Move the step to beside"


def _red_sense(policy: Policy) -> Iterator[Wrong]:
    """Source: the severity page_now of the rule table, acknowledged within 10 min."""
    afters = [step.after for step in policy.steps]
    if not all(1 <= gap <= PAUSE_MAX_MIN for gap in _gaps(afters)):
        yield "steps", f"pauses {afters} between steps", f"Pause 1 to {PAUSE_MAX_MIN} min"
    others = [step.after for step in policy.steps if step.who != policy.steps[0].who]
    if not others or others[0] > PAUSE_MAX_MIN:
        fix = f"Call somebody else within {PAUSE_MAX_MIN} min"
        yield "steps", "nobody but the first is called in time", fix
    last = policy.steps[-1]
    if last.who != DESK or last.after > DESK_WITHIN_MIN:
        fix = f"End with {DESK} within {DESK_WITHIN_MIN} min"
        yield "steps", f"it ends with {last.who} at {last.after} min", fix


def _digest_sense(policy: Policy) -> Iterator[Wrong]:
    """Source: the severity today of the rule table, within 4 h, held from 22:00 to 07:00."""
    afters = [step.after for step in policy.steps]
    if not all(gap == 1 for gap in _gaps(afters)):
        yield "steps", f"digests {afters}", "Write 0, 1, 2, one after another"
    minutes = [at.hour * 60 + at.minute for at in policy.digest_at]
    day = (policy.digest_at[0], DAY_BEGINS), (max(policy.digest_at), NIGHT_BEGINS)
    if day[0][0] != DAY_BEGINS or day[1][0] >= NIGHT_BEGINS:
        yield "digest_at", "digests in the night or late", f"Write {DAY_BEGINS:%H:%M} first"
    night = NIGHT_BEGINS.hour * 60
    if not all(1 <= gap <= DIGEST_GAP_MAX_MIN for gap in _gaps([*minutes, night])):
        fix = f"Rising times, at most {DIGEST_GAP_MAX_MIN} min apart until {NIGHT_BEGINS:%H:%M}"
        yield "digest_at", "digests too far apart", fix


def _gaps(numbers: Sequence[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(numbers)]
