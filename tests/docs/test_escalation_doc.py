"""The picture and the table of the chain agree with the policy that calls."""

import re
from pathlib import Path

from yikao_alerts.compose import load_texts
from yikao_alerts.escalation import load_policies

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `(\w+)` \S+ \| (\d+) \| `(\w+)` [^|]*?(?:`(\w+)`[^|]*)?\| ([^|]*) \|", re.M)


def test_the_table_tells_every_step() -> None:
    words = (DOCS / "escalation.md").read_text("utf-8")
    told = [(sev, int(step), who, by or None) for sev, step, who, by, _ in ROW.findall(words)]
    policies = load_policies()
    assert told == [
        (severity, number, step.who, step.by)
        for severity in ("page_now", "today")
        for number, step in enumerate(policies[severity].steps)
    ]
    minutes = [int(when.split()[0]) for sev, step, *_, when in ROW.findall(words)[1:5]]
    assert minutes == [step.after for step in policies["page_now"].steps][1:]
    times = ", ".join(f"{at:%H:%M}" for at in policies["today"].digest_at)
    assert f"the next of {times} " in words


def test_the_familys_words_are_those_that_are_sent() -> None:
    words = (DOCS / "escalation.md").read_text("utf-8")
    for kind, text in load_texts("zh")["family"].items():
        assert f"| `{kind}` |" in words
        assert text in words
