"""What others call the things that we measure: one row for each quantity in each unit.

MDC is the nomenclature that devices speak (ISO/IEEE 11073-10101, the number with its partition),
LOINC what hospitals file a result under, UCUM how its unit is spelled. LOINC tells a mass from an
amount of substance, and a fasting glucose from another; "after a meal" it names by the hour, which
no meter tells, so such a result has the general code.
"""

from dataclasses import dataclass
from typing import Final, Literal

from yikao_devices.glucose import TYPE_CONTROL_SOLUTION


@dataclass(frozen=True, slots=True)
class Code:
    """One quantity in one unit; `mdc` is None where the nomenclature has no term that we found."""

    quantity: str
    mdc: int | None
    loinc: str
    ucum: str
    en: str
    zh: str
    source: str


_PHD: Final = "HL7 Personal Health Device Guide, github.com/HL7/phd, input/examples"
_VITAL: Final = "HL7 FHIR, vital signs value set; MDC: HL7 Denmark, dk-core-IEEEBasicObservation"
_OXIMETER: Final = "HL7 US Core, vital signs value set (which adds its parent 2708-6); MDC: HL7 PHD"
_METER: Final = "gematik HDDT, blood glucose value set; MDC: ISO/IEEE 11073-10417"
_FASTING: Final = "loinc.org, Glucose^post CFst; MDC: ISO/IEEE 11073-10417"
_SENSOR: Final = "HL7 CGM Guide, sensor reading; MDC: ISO/IEEE 11073-10425"
_KETONE: Final = "UnityPoint test catalogue, BHB-1: beta-hydroxybutyrate in blood by test strip"

_BODY: Final = (
    Code("systolic_mmhg", 150021, "8480-6", "mm[Hg]", "systolic pressure", "收缩压", _PHD),
    Code("diastolic_mmhg", 150022, "8462-4", "mm[Hg]", "diastolic pressure", "舒张压", _PHD),
    Code("mean_mmhg", 150023, "8478-0", "mm[Hg]", "mean pressure", "平均动脉压", _PHD),
    Code("pulse_bpm", 149546, "8867-4", "/min", "pulse, by cuff", "脉率（血压计）", _VITAL),
    Code("pulse_spo2_bpm", 149530, "8867-4", "/min", "pulse, by oximeter", "脉率（血氧仪）", _PHD),
    Code("heart_rate_bpm", 147842, "8867-4", "/min", "heart rate", "心率", _VITAL),
    Code("spo2_pct", 150456, "59408-5", "%", "oxygen saturation", "血氧饱和度", _OXIMETER),
    Code("temperature_c", 150364, "8310-5", "Cel", "body temperature", "体温", _PHD),
    Code("temperature_f", 150364, "8310-5", "[degF]", "body temperature", "体温", _PHD),
    Code("weight_kg", 188736, "29463-7", "kg", "body weight", "体重", _VITAL),
    Code("weight_lb", 188736, "29463-7", "[lb_av]", "body weight", "体重", _VITAL),
    Code("height_m", 188740, "8302-2", "m", "body height", "身高", _VITAL),
    Code("bmi_kg_m2", 188752, "39156-5", "kg/m2", "body mass index", "体重指数", _VITAL),
    Code("ketone_mmol_l", None, "66441-7", "mmol/L", "ketone in blood", "血酮", _KETONE),
)

_SAMPLES: Final = (
    ("capillary_blood", 160184, "14743-9", "41653-7", "capillary blood", "毛细血管全血", _METER),
    ("capillary_plasma", 160188, "14749-6", "2345-7", "capillary plasma", "毛细血管血浆", _METER),
    ("venous_blood", 160192, "15074-8", "2339-0", "venous blood", "静脉全血", _METER),
    ("venous_plasma", 160196, "14749-6", "2345-7", "venous plasma", "静脉血浆", _METER),
    ("arterial_blood", 160200, "15074-8", "2339-0", "arterial blood", "动脉全血", _METER),
    ("arterial_plasma", 160204, "14749-6", "2345-7", "arterial plasma", "动脉血浆", _METER),
    ("blood", 160364, "15074-8", "2339-0", "blood", "全血", _METER),
    ("plasma", 160368, "14749-6", "2345-7", "plasma", "血浆", _METER),
    ("interstitial", 160212, "105272-9", "99504-3", "interstitial fluid", "组织间液", _SENSOR),
)
"""What glucose is measured in, in the order of the type nibble of a glucose frame, from 1: name,
MDC, LOINC for mmol/L and for mg/dL, words. Venous and arterial blood have the code of blood."""

_FASTING_SAMPLES: Final = (
    ("capillary_blood", 160184, "14770-2", "41604-0", "capillary blood", "毛细血管全血", _FASTING),
    ("capillary_plasma", 160188, "14771-0", "1558-6", "capillary plasma", "毛细血管血浆", _FASTING),
    ("plasma", 160368, "14771-0", "1558-6", "plasma", "血浆", _FASTING),
)


def _both_units(
    prefix: str,
    words: tuple[str, str],
    samples: tuple[tuple[str, int, str, str, str, str, str], ...],
) -> tuple[Code, ...]:
    en, zh = words
    return tuple(
        Code(
            f"{prefix}_{name}_{unit}", mdc, loinc, ucum, f"{en} in {sample_en}", sample_zh + zh, why
        )
        for name, mdc, moles, mass, sample_en, sample_zh, why in samples
        for unit, ucum, loinc in (("mmol_l", "mmol/L", moles), ("mg_dl", "mg/dL", mass))
    )


CODES: Final = (
    *_BODY,
    *_both_units("glucose", ("glucose", "葡萄糖"), _SAMPLES),
    *_both_units("fasting_glucose", ("fasting glucose", "空腹葡萄糖"), _FASTING_SAMPLES),
)
_BY_QUANTITY: Final = {code.quantity: code for code in CODES}
_SAMPLE_BY_TYPE: Final[dict[int | None, str]] = {
    number: sample[0] for number, sample in enumerate(_SAMPLES, 1)
}


def code_of(quantity: str) -> Code:
    """Return the row of `quantity`, a name in `CODES`."""
    return _BY_QUANTITY[quantity]


def glucose_code(
    sample_type: int | None, unit: Literal["mmol_l", "mg_dl"], fasting: bool = False
) -> Code | None:
    """Return the row of a glucose result in `unit`; None for control solution.

    `sample_type` is that of a glucose or sensor frame; unknown and reserved ones count as blood. A
    fasting result has the row of any other where LOINC has none for its sample.
    """
    if sample_type == TYPE_CONTROL_SOLUTION:
        return None
    sample = _SAMPLE_BY_TYPE.get(sample_type, "blood")
    general = _BY_QUANTITY[f"glucose_{sample}_{unit}"]
    return _BY_QUANTITY.get(f"fasting_{general.quantity}", general) if fasting else general
