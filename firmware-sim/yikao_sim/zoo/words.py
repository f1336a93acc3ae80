"""What is said to people, in Chinese and English. Measurements and codes are written the same in
both: 141/90 mmHg 77/min, event stale_bond."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    zh: str
    en: str

    def in_language(self, language: str) -> str:
        return self.zh if language == "zh" else self.en
