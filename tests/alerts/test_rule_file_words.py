"""Every rule can be read as a sentence in both languages, and the pages about rules are current."""

import re
from pathlib import Path
from string import Formatter

import pytest

from yikao_alerts.rules import load_rules
from yikao_alerts.rules.forms import Form
from yikao_alerts.rules.sentences import (
    SENTENCES,
    confirm_text,
    downgrade_text,
    late_text,
    over_text,
    protocol_text,
    recheck_text,
    upgrade_text,
    who_text,
)
from yikao_alerts.rules.vocabulary import FORM_KEYS
from yikao_alerts.rules.words import FORM_WORDS, TEXTS
from yikao_devices.symptoms import SYMPTOM_WORDS

RULES = load_rules("cn")
DOCS = Path(__file__).parents[2] / "docs"
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_both_languages_say_the_same_with_the_same_places() -> None:
    for texts in (TEXTS, SENTENCES):
        zh, en = texts["zh"], texts["en"]
        assert zh.keys() == en.keys()
        for key in zh:
            assert places(zh[key]) == places(en[key]), key


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


SENTENCE = {
    "BP-07": "mean of 7 days: systolic ≥ 150 mmHg (20 kPa) or diastolic ≥ 95 mmHg (12.7 kPa);"
    " at least 12 readings on 3 days; the first day of a new series left out",
    "BP-14": "standing minus seated, within 3 min: systolic ≤ -20 mmHg (-2.7 kPa) or diastolic"
    " ≤ -10 mmHg (-1.3 kPa)",
    "BP-10": "the resident's own systolic level has changed by -8 mmHg (trend downwards), and"
    " 7-day mean systolic < 120 mmHg (16 kPa)",
    "GL-07": "glucose ≥ 13.9 mmol/L (250 mg/dL): at least 2 readings, at least 4 h apart,"
    " within 24 h",
    "SP-01": "oxygen saturation ≤ 91 % [own value: own oxygen limit]",
    "GL-15": "ketone ≥ 0.6 mmol/L, < 1.6 mmol/L",
    "TP-01": "temperature > 39 ℃ or temperature ≤ 35 ℃",
    "WT-01": "weight at least 2 kg above the lowest within 3 days",
    "DQ-06": "nothing measured: reminder after 3 days, told after 7 days",
}


@pytest.mark.parametrize(("rule_id", "text"), SENTENCE.items())
def test_a_rule_reads_as_a_doctor_writes_it(rule_id: str, text: str) -> None:
    assert RULES.rule(rule_id).limits_text("en") == text


def test_every_form_is_told_in_both_languages() -> None:
    told: set[type[Form]] = set()
    for rule in RULES.rules:
        zh, en = rule.limits_text("zh"), rule.limits_text("en")
        assert HAN.search(zh) and not HAN.search(en)
        assert "{" not in zh + en and "_" not in zh + en
        told.add(type(rule.form))
    assert len(told) == len(FORM_KEYS) == len(FORM_WORDS)


def test_every_symptom_of_a_rule_is_in_its_sentence() -> None:
    for code in ("fast_positive", "unconscious", "chest_pain"):
        for language in ("zh", "en"):
            word = getattr(SYMPTOM_WORDS[code], language)
            assert word in RULES.rule("BP-02").limits_text(language)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_rest_of_a_rule_is_told_as_well(language: str) -> None:
    assert late_text(RULES.late, language)
    for protocol in RULES.protocols.values():
        assert protocol_text(protocol, language)
    for recheck in RULES.rechecks.values():
        assert recheck_text(recheck, language)
    for rule in RULES.rules:
        assert who_text(rule.who, language)
        assert bool(confirm_text(rule, language)) is bool(
            rule.protocol or (rule.ask_again and rule.family)
        )
        assert bool(over_text(rule, language)) is bool(rule.normal or rule.ends or rule.human_only)
        assert all(upgrade_text(up, language) for up in rule.upgrades)
        assert all(downgrade_text(down, language) for down in rule.downgrades)


def test_sentences_about_people_and_re_checks() -> None:
    low = RULES.rule("GL-03")
    assert upgrade_text(low.upgrades[0], "en") == "still low in two re-checks"
    assert upgrade_text(low.upgrades[1], "en") == (
        "no re-check within 20 min; one of: on insulin, lives alone, on a sulfonylurea or from 80"
        " years"
    )
    assert who_text(RULES.rule("BP-13").who, "en") == "on blood pressure medicine; from 65 years"
    assert who_text(RULES.rule("BP-13").who, "zh") == "服用降压药；65 岁及以上"
    assert over_text(RULES.rule("WT-01"), "en") == "weight ≤ dry weight +1; no symptom since"
    assert "200 mmHg" in recheck_text(RULES.rechecks["RECHECK_20"], "zh")


def test_nothing_said_at_home_breaks_the_rules_of_wording() -> None:
    for rule in RULES.rules:
        for text in (rule.patient_zh, rule.patient_en):
            assert not re.search(r"正常|硝苯地平|停药后|normal|nifedipine|double", text), rule.id
        assert bool(rule.patient_zh) is bool(rule.patient_en)


def test_the_page_has_every_rule() -> None:
    page = (DOCS / "rules" / "cn.md").read_text("utf-8")
    for rule in RULES.rules:
        assert f"### {rule.id} " in page
        assert rule.limits_text("zh") in page and rule.source in page
