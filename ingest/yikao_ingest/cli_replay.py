"""`yikao replay` and `yikao explain`, as seen from a terminal."""

import argparse
import time
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from typing import Final

from yikao_alerts.explain import explained
from yikao_alerts.replay import Difference, compared
from yikao_alerts.rules import load_rules
from yikao_ingest.cli_bar import Bar
from yikao_ingest.cli_database import database_errors, database_url
from yikao_ingest.errors import ServerError
from yikao_ingest.replaying import Checked, Span, patient_of, replay, shadow_report, story

SHOWN: Final = 10
"""Differences that are printed; the rest is counted."""


def run_explain(arguments: argparse.Namespace) -> int:
    """Tell an episode to a doctor."""
    with database_errors():
        told, rules = story(database_url(arguments.data), arguments.episode)
    for line in explained(told, rules, arguments.language):
        print(line)
    return 0


def moment(text: str | None) -> datetime | None:
    """Return a time with its offset; a day alone begins in this machine's zone."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        remedy = "write 2026-03-01 or 2026-03-01T08:00:00+08:00"
        raise ServerError(f"{text} is no time", remedy) from error
    return at if at.tzinfo else at.astimezone()


def run_replay(arguments: argparse.Namespace) -> int:
    """Compute decisions again; exit code 1 when one does not agree."""
    dsn = database_url(arguments.data)
    with database_errors():
        patient_id = patient_of(dsn, arguments.patient) if arguments.patient else None
        span = Span(moment(arguments.since), moment(arguments.until), patient_id)
        if arguments.shadow_report:
            return _shadow_report(dsn, span)
        bar, began_s = Bar(), time.monotonic()
        progress = partial(bar.show, "decisions")
        checked = replay(dsn, span, verify=arguments.verify, progress=progress)
        if arguments.rules:
            return _compare(checked, arguments.rules, bar)
        return _verify(checked, bar, began_s)


def _verify(checked: Iterable[Checked], bar: Bar, began_s: float) -> int:
    records, traced, differences = 0, 0, Counter[str]()
    for each in checked:
        records += 1
        traced += each.traced > 0
        for difference in each.differences:
            differences[difference.what] += 1
            if differences.total() <= SHOWN:
                bar.end()
                print(_line(difference))
    bar.end()
    took_s = time.monotonic() - began_s
    print(f"{records} decisions computed again in {took_s:.1f} s  重新计算的判定")
    if traced:
        print(f"{traced} with readings that changed hands or were released  其读数曾改归他人或放行")
    if not differences:
        print("all identical, every chain whole  全部一致，链完整")
        return 0
    for what, count in differences.most_common():
        print(f"{what}: {count}")
    return 1


def _line(difference: Difference) -> str:
    where = f"decision {difference.decision_id} of resident {difference.patient_id}"
    return f"{where}: {difference.what}, {difference.detail}"


def _compare(checked: Iterable[Checked], name: str, bar: Bar) -> int:
    """Print what another rule set would have found that was not, and the other way round."""
    rules = load_rules(name)
    new, gone = set[tuple[object, ...]](), set[tuple[object, ...]]()
    for each in checked:
        if each.record is not None:
            change = compared(each.record, rules)
            who = each.record.given.patient_id
            new |= {(*identity, who) for identity in change.new}
            gone |= {(*identity, who) for identity in change.gone}
    bar.end()
    print(f"by {name} ({rules.digest}) instead  改用该规则集：")
    for title, found in (("new 新增", new - gone), ("gone 消失", gone - new)):
        print(f"{title}: {len(found)}")
        for (rule, severity), count in sorted(Counter((f[0], f[3]) for f in found).items()):
            print(f"  {rule} {severity}: {count}")
    return 0


def _shadow_report(dsn: str, span: Span) -> int:
    """Print what the rule set on trial has found that the live one has not, and the other way."""
    report = shadow_report(dsn, span)
    weeks = report.patient_weeks
    print(f"{report.decisions} decisions, {weeks:.1f} patient-weeks  观察人周")
    print(f"{'rule':8} {'severity':10} {'new 新增':>10} {'gone 消失':>10}  per 100 patient-weeks")
    for (rule, severity), (new, gone) in sorted(report.counts.items()):
        rates = [100 * count / weeks if weeks else 0.0 for count in (new, gone)]
        print(f"{rule:8} {severity:10} {rates[0]:10.2f} {rates[1]:10.2f}  ({new}, {gone})")
    return 0
