"""Who the readings belong to, as far as rules ask: age, groups, and the doctor's own targets.

A rule may look only at people with diabetes, or count a limit differently above 80. What is not
known is left out; nothing here is guessed from the readings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Final

from yikao_devices.symptoms import Words

GROUPS: Final[Mapping[str, Words]] = {
    "pregnant": Words("妊娠或产后6周内", "pregnant, or within 6 weeks after birth"),
    "diabetes": Words("糖尿病", "diabetes"),
    "type2": Words("2型糖尿病", "type 2 diabetes"),
    "insulin": Words("使用胰岛素", "on insulin"),
    "sulfonylurea": Words("使用磺脲类药物", "on a sulfonylurea"),
    "sglt2i": Words("使用SGLT2抑制剂", "on an SGLT2 inhibitor"),
    "on_treatment": Words("服用降压药", "on blood pressure medicine"),
    "heart_failure": Words("心力衰竭", "heart failure"),
    "known_af": Words("已知房颤", "known atrial fibrillation"),
    "lives_alone": Words("独居", "lives alone"),
    "home_bed": Words("家庭病床", "home bed"),
    "frail": Words("衰弱", "frail"),
    "copd": Words("慢阻肺", "COPD"),
    "kidney": Words("慢性肾病", "chronic kidney disease"),
}
TARGETS: Final[Mapping[str, Words]] = {
    "target_systolic_mmhg": Words("家庭收缩压目标", "home systolic target"),
    "target_diastolic_mmhg": Words("家庭舒张压目标", "home diastolic target"),
    "target_fasting_mmol_l": Words("空腹血糖目标", "fasting glucose target"),
    "target_fasting_low_mmol_l": Words("空腹血糖目标下限", "fasting glucose target, lower end"),
    "target_after_meal_mmol_l": Words("餐后血糖目标", "after-meal glucose target"),
    "target_bedtime_mmol_l": Words("睡前血糖目标", "bedtime glucose target"),
    "target_bedtime_low_mmol_l": Words("睡前血糖目标下限", "bedtime glucose target, lower end"),
    "spo2_min_pct": Words("个人血氧告警值", "own oxygen limit"),
    "pulse_min_bpm": Words("个人心率下限", "own lower pulse limit"),
    "dry_weight_kg": Words("干体重", "dry weight"),
}
OPTIONS: Final[Mapping[str, Words]] = {
    "glucose_high_downgrade": Words("很高血糖改为今日处理", "very high glucose is for today"),
    "office_target_130_80": Words("诊室目标130/80", "office target 130/80"),
    "health_good": Words("健康状况良好", "good health"),
    "health_intermediate": Words("健康状况中等", "intermediate health"),
    "health_poor": Words("健康状况差", "poor health"),
}
"""What a doctor switches on for one resident; the states of health choose a target set (GL-11)."""

AGE_MAX: Final = 130
"""In years. Older than anybody: then the year of birth is a mistake and the age unknown."""


@dataclass(frozen=True, slots=True)
class Resident:
    """One resident: `groups` of `GROUPS`, `targets` of `TARGETS` in the unit that each name ends
    in, `options` of `OPTIONS`."""

    birth_year: int | None = None
    sex: str | None = None
    groups: frozenset[str] = frozenset()
    targets: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    options: frozenset[str] = frozenset()

    def __hash__(self) -> int:
        targets = frozenset(self.targets.items())
        return hash((self.birth_year, self.sex, self.groups, targets, self.options))

    def age_at(self, day: date) -> int | None:
        """Return the age in whole years that is reached in the year of `day`, None if unknown."""
        if self.birth_year is None or not 0 <= day.year - self.birth_year <= AGE_MAX:
            return None
        return day.year - self.birth_year
