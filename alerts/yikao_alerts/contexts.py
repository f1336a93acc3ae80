"""When and how a reading was made: after a meal or before it, standing or sitting.

One vocabulary for what meters send, what a person types and what rules name. A reading without a
context is judged only by rules that ask for none.

Source: Bluetooth Glucose Service 1.0.1, Glucose Measurement Context, field Meal; the fasting, 1 h,
2 h and 03:00 values of a structured glucose day; NICE NG136 1.1.6 for standing pressures.
"""

from typing import Final

from yikao_devices.symptoms import Words

GLUCOSE_CONTEXTS: Final = {
    "fasting": Words("空腹", "fasting"),
    "before_meal": Words("餐前", "before a meal"),
    "after_meal": Words("餐后", "after a meal"),
    "after_meal_1h": Words("餐后1小时", "1 h after a meal"),
    "after_meal_2h": Words("餐后2小时", "2 h after a meal"),
    "bedtime": Words("睡前", "bedtime"),
    "night": Words("夜间", "at night"),
    "casual": Words("随机", "any time"),
    "unknown": Words("未注明", "not said"),
}
STANDING: Final = "standing"
SEATED: Final = "seated"
OFFICE: Final = "office"
PRESSURE_CONTEXTS: Final = {
    SEATED: Words("坐位", "seated"),
    STANDING: Words("立位", "standing"),
    "lying": Words("卧位", "lying"),
    OFFICE: Words("诊室", "at the practice"),
}

CONTEXT_WORDS: Final = GLUCOSE_CONTEXTS | PRESSURE_CONTEXTS
CONTEXTS: Final = frozenset(CONTEXT_WORDS)
"""Every context that a measurement or a rule may carry."""
