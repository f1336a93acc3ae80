"""What a resident can say: the symptoms that the gateway takes and the rules know, by code.

The words are asked at home, so they are plain; the code is what travels and what rules name.

Source: danger signs of the National Essential Public Health Service specification (third edition,
2017), hypertension follow-up; AHA, "When to call 911"; FAST stroke test; ADA Standards of Care,
level 3 hypoglycaemia.
"""

from typing import Final, NamedTuple


class Words(NamedTuple):
    """A symptom in the two languages of the product."""

    zh: str
    en: str


NONE: Final = "none"
"""The resident was asked and has no symptom: an answer too, not the lack of one."""
CALL_ME: Final = "call_me"
"""The resident asks to be called: a button, or a word. Why, only the call will tell."""

SYMPTOM_WORDS: Final = {
    NONE: Words("没有不舒服", "no symptom"),
    "altered_consciousness": Words("意识改变、嗜睡", "drowsy or not fully awake"),
    "unconscious": Words("叫不醒", "cannot be woken"),
    "confusion": Words("神志不清、胡言乱语", "confused"),
    "seizure": Words("抽搐", "seizure"),
    "fast_positive": Words(
        "口角歪斜、一侧手臂无力或说话不清", "face drooping, arm weak or speech slurred"
    ),
    "weakness_numbness": Words("手脚无力或麻木", "weakness or numbness"),
    "speech_difficulty": Words("说话困难", "difficulty speaking"),
    "headache": Words("头痛", "headache"),
    "dizziness": Words("头晕", "dizziness"),
    "severe_headache_or_dizziness": Words("剧烈头痛或头晕", "severe headache or dizziness"),
    "blurred_vision": Words("视物模糊", "blurred vision"),
    "eye_pain": Words("眼痛", "eye pain"),
    "vomiting": Words("恶心呕吐", "vomiting"),
    "chest_pain": Words("胸痛超过5分钟", "chest pain for more than 5 minutes"),
    "chest_pain_or_tightness": Words("胸痛或胸闷", "chest pain or tightness"),
    "palpitations": Words("心慌", "palpitations"),
    "breathless": Words("气促", "breathless"),
    "breathless_cannot_lie_flat": Words("喘憋、不能平卧", "breathless, cannot lie flat"),
    "back_pain": Words("剧烈背痛", "severe back pain"),
    "epigastric_pain": Words("上腹痛", "pain in the upper belly"),
    "fall": Words("跌倒", "had a fall"),
    "syncope": Words("晕倒", "fainted"),
    "near_syncope": Words("快要晕倒", "nearly fainted"),
    "cold_sweat": Words("出冷汗", "cold sweat"),
    "hypo_needs_help": Words("低血糖，需要别人帮助", "low sugar, needs somebody's help"),
    CALL_ME: Words("请求回电", "asks to be called"),
}

SYMPTOMS: Final = frozenset(SYMPTOM_WORDS)
"""Every code that a `SymptomReport` may carry."""
NO_COMPLAINT: Final = frozenset({NONE, CALL_ME})
"""What is said without saying that one feels ill."""
