"""From the tables of a rule file, checked before, to the values that the engines work with."""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from yikao_alerts.limits import Limit
from yikao_alerts.rules import forms
from yikao_alerts.rules.forms import ACUTE, DAILY, Form
from yikao_alerts.rules.model import (
    EVERYBODY,
    Downgrade,
    Ends,
    Late,
    Normal,
    Protocol,
    Recheck,
    Rule,
    Suppress,
    Template,
    Upgrade,
    Who,
)

Table = Mapping[str, Any]
NO_UNITS: Final = ("field", "op", "below", "contexts", "target", "margin")
"""Keys of a limit that name no unit; every other key does."""


def limit(table: Table) -> Limit:
    """Return the limit in `{ field = ..., op = ..., UNIT = number, ... }`."""
    return Limit(
        table["field"],
        table["op"],
        {unit: float(table[unit]) for unit in table if unit not in NO_UNITS},
        below=_numbers(table["below"]) if "below" in table else None,
        contexts=frozenset(table.get("contexts", ())),
        target=table.get("target"),
        margin=float(table.get("margin", 0)),
    )


def _numbers(table: Table) -> dict[str, float]:
    return {unit: float(value) for unit, value in table.items()}


def _limits(tables: Iterable[Table]) -> tuple[Limit, ...]:
    return tuple(limit(table) for table in tables)


def who(table: Table) -> Who:
    """Return whom a rule or a template is for."""
    return Who(
        groups_all=frozenset(table.get("groups_all", ())),
        groups_any=frozenset(table.get("groups_any", ())),
        groups_none=frozenset(table.get("groups_none", ())),
        age_at_least=table.get("age_at_least"),
        age_below=table.get("age_below"),
        or_age_at_least=table.get("or_age_at_least"),
        options_all=frozenset(table.get("options_all", ())),
    )


def rule(table: Table, protocols: Mapping[str, Protocol], averages: Mapping[str, Table]) -> Rule:
    """Return one rule; its form says in which lane it runs."""
    form = _form(table, averages)
    protocol = protocols.get(table.get("protocol", ""))
    lane = "acute" if isinstance(form, ACUTE) else "daily" if isinstance(form, DAILY) else "config"
    return Rule(
        id=table["id"],
        family=table.get("family"),
        kind=table["kind"],
        severity=table["severity"],
        level=table["level"],
        lane=lane,
        form=form,
        name_zh=table["name_zh"],
        name_en=table["name_en"],
        source=table["source"],
        evidence=table["evidence"],
        who=who(table["who"]) if "who" in table else EVERYBODY,
        protocol=protocol,
        recheck=table.get("recheck"),
        upgrades=tuple(_upgrade(entry) for entry in table.get("upgrades", ())),
        downgrades=tuple(_downgrade(entry) for entry in table.get("downgrades", ())),
        normal=_normal(table["kind"], table["normal"]) if "normal" in table else None,
        ends=_ends(table["ends"]) if "ends" in table else None,
        ask_again=table.get("ask_again", protocol is not None),
        quarantine=table.get("quarantine", False),
        human_only=table.get("human_only", False),
        addressee=table["addressee"],
        obstetric=table.get("obstetric", False),
        patient_zh=table.get("patient_zh", ""),
        patient_en=table.get("patient_en", ""),
    )


def _upgrade(table: Table) -> Upgrade:
    return Upgrade(
        table["severity"],
        symptoms=frozenset(table.get("symptoms", ())),
        who=who(table["who"]) if "who" in table else EVERYBODY,
        limits=_limits(table.get("limits", ())),
        recheck=table.get("recheck"),
        minutes=table.get("minutes"),
    )


def _downgrade(table: Table) -> Downgrade:
    return Downgrade(
        table["severity"],
        who=who(table["who"]),
        no_symptom=table.get("no_symptom", False),
        limits=_limits(table.get("limits", ())),
        within=timedelta(hours=table.get("within_h", 0)),
    )


def _normal(kind: str, table: Table) -> Normal:
    return Normal(
        kind,
        _limits(table["all"]),
        table["rounds"],
        timedelta(minutes=table["apart_min"]),
        table.get("of", forms.READINGS),
    )


def _ends(table: Table) -> Ends:
    return Ends(
        _limits(table.get("all", ())),
        table.get("level_below"),
        table.get("quiet_days"),
        table.get("any_reading", False),
    )


def _form(table: Table, averages: Mapping[str, Table]) -> Form:
    average = averages.get(table.get("average", ""), {})
    return FORMS[table.get("form", "on_reading")]({**average, **table})


def _on_reading(table: Table) -> Form:
    lower, higher = table.get("order", ("", ""))
    return forms.OnReading(
        any=_limits(table.get("any", ())),
        flags=frozenset(table.get("flags", ())),
        unless_flags=frozenset(table.get("unless_flags", ())),
        with_symptoms=frozenset(table.get("with_symptoms", ())),
        alone_symptoms=frozenset(table.get("alone_symptoms", ())),
        order=(lower, higher) if lower else None,
        contexts=frozenset(table.get("contexts", ())),
        times=tuple(_times(entry) for entry in table.get("times", ())),
    )


def _times(table: Table) -> forms.Times:
    return forms.Times(
        table["count"],
        table["of"],
        timedelta(hours=table["within_h"]) if "within_h" in table else None,
        timedelta(hours=table.get("apart_h", 0)),
    )


def _mean(table: Table) -> Form:
    return forms.Mean(
        days=table["days"],
        any=_limits(table["any"]),
        min_readings=table.get("min_readings", 1),
        min_days=table.get("min_days", 1),
        min_mornings=table.get("min_mornings", 0),
        part=table.get("part", forms.ALL_DAY),
        and_part=table.get("and_part"),
        and_all=_limits(table.get("and_all", ())),
        contexts=frozenset(table.get("contexts", ())),
        drop_first=table.get("drop_first", False),
    )


def _change(table: Table) -> Form:
    mean7 = limit(table["mean7"]) if "mean7" in table else None
    return forms.Change(
        table["signal"], table["direction"], float(table["shift"]), table["unit"], mean7
    )


def _share(table: Table) -> Form:
    portions = tuple(
        forms.Portion(_limits(entry["all"]), entry["op"], float(entry["pct"]))
        for entry in table["any"]
    )
    return forms.Share(table["days"], table["wear_pct"], portions, table.get("cv_above_pct"))


def _unit_doubt(table: Table) -> Form:
    return forms.UnitDoubt(
        tuple(
            forms.Doubt(
                entry["field"],
                entry["unit"],
                entry["other"],
                float(entry["low"]),
                float(entry["high"]),
                entry.get("habit"),
                frozenset(entry.get("sources", ())),
            )
            for entry in table["any"]
        )
    )


def _clock_error(table: Table) -> Form:
    return forms.ClockError(
        table["flag"],
        timedelta(minutes=table["future_min"]),
        timedelta(minutes=table["offset_min"]),
        table["year_min"],
    )


FORMS: Final[Mapping[str, Callable[[Table], Form]]] = {
    "on_reading": _on_reading,
    "drop": lambda t: forms.Drop(
        _limits(t["any"]),
        timedelta(minutes=t["within_min"]),
        frozenset(t["before"]),
        frozenset(t["after"]),
    ),
    "gain": lambda t: forms.Gain(float(t["kg"]), timedelta(days=t["within_days"])),
    "mean": _mean,
    "spread": lambda t: forms.Spread(_limits(t["any"]), t["days"], t["min_days"], t["min_span"]),
    "change": _change,
    "share": _share,
    "late_data": lambda t: forms.LateData(),
    "clock_error": _clock_error,
    "unit_doubt": _unit_doubt,
    "other_person": lambda t: forms.OtherPerson(float(t["d2_above"])),
    "device_change": lambda t: forms.DeviceChange(timedelta(days=t["mask_days"])),
    "silence": lambda t: forms.Silence(t["remind_days"], t["days"]),
    "targets": lambda t: forms.Targets(),
}
"""The forms by the name that a file gives them, each with what builds it."""


def protocol(name: str, table: Table) -> Protocol:
    """Return a protocol of confirmation."""
    return Protocol(
        name,
        window=timedelta(minutes=table["window_min"]),
        gap=timedelta(seconds=table["gap_s"]),
        statistic=table["statistic"],
        differ_mmhg=table.get("differ_mmhg"),
        near_mmhg=table.get("near_mmhg"),
        source=table["source"],
    )


def recheck(name: str, table: Table) -> Recheck:
    """Return a protocol of rounds after a page."""
    still_after = table.get("still_after_min")
    return Recheck(
        name,
        kind=table["kind"],
        every=timedelta(minutes=table["every_min"]),
        rounds_max=table["rounds_max"],
        statistic=table.get("statistic"),
        silent=timedelta(minutes=table["silent_min"]),
        resolve=_limits(table["resolve"]),
        resolve_rounds=table["resolve_rounds"],
        resolve_once=_limits(table.get("resolve_once", ())),
        downgrade=_limits(table.get("downgrade", ())),
        downgrade_rounds=table.get("downgrade_rounds", 0),
        escalate=_limits(table.get("escalate", ())),
        still=_limits(table.get("still", ())),
        still_after=None if still_after is None else timedelta(minutes=still_after),
        still_rounds=table.get("still_rounds", 0),
        next_day_task=table.get("next_day_task", False),
        source=table["source"],
    )


def template(name: str, table: Table) -> Template:
    """Return a template of targets."""
    return Template(
        name,
        table["rule_id"],
        table["level"],
        who(table["who"]),
        {key: float(value) for key, value in table["targets"].items()},
        table["name_zh"],
        table["name_en"],
        table["source"],
    )


def late(table: Table) -> Late:
    """Return what the age of a reading allows."""
    return Late(
        late_after=timedelta(minutes=table["late_min"]),
        call_after=timedelta(hours=table["call_h"]),
        information_after=timedelta(hours=table["information_h"]),
        never=frozenset(table.get("never", ())),
    )


def suppress(table: Table) -> Suppress:
    """Return what keeps a doctor from hearing the same twice."""
    return Suppress(
        timedelta(days=table["refractory_days"]),
        frozenset(table["never"]),
        timedelta(days=table["mute_max_days"]),
        frozenset(table["never_mutes"]),
    )
