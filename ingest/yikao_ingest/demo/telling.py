"""Tells the demo as a story, line by line, in Chinese and English, while it happens.

This is a demo with people who do not exist: it shows values. The product's logs never do.
"""

import tomllib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from typing import Any, Final
from zoneinfo import ZoneInfo

import psycopg

from yikao_alerts.rules import load_rules
from yikao_devices.story_clock import Clock
from yikao_ingest.demo.cast import DOCTORS
from yikao_ingest.demo.follow import Follower
from yikao_ingest.demo.plan import ZONE
from yikao_ingest.demo.report import SQL
from yikao_ingest.demo.stage import Stage

COLOURS: Final = {"red": "31;1", "yellow": "33", "green": "32", "blue": "36", "plain": "0"}


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    text = resources.files("yikao_ingest.demo.text").joinpath("story.toml").read_text("utf-8")
    return tomllib.loads(text)


class Teller:
    """Collects what happened since it was last asked, and says it."""

    def __init__(
        self, stage: Stage, clock: Clock, say: Callable[[str], None], *, colour: bool
    ) -> None:
        self._stage = stage
        self._clock = clock
        self._say = say
        self._colour = colour
        self._truth = Follower(stage.truth)
        self._phone = Follower(stage.phone_log)
        self._event_id = 0

    def tell(self, dsn: str, real_now_s: float) -> None:
        """Say what has happened since the last time."""
        now = self._clock.at(real_now_s)
        for line in self._truth.lines():
            self._measured(line, now)
        for home, prompt in self._stage.pass_prompts():
            if prompt["do"] == "show":
                self._line(now, "told", home=home, text=prompt["text_zh"])
            else:
                self._line(now, "prompt", home=home)
        self._episodes(dsn)
        for line in self._phone.lines():
            self._rang(line)

    def _measured(self, line: Mapping[str, Any], now: datetime) -> None:
        if line.get("kind") == "blood_pressure":
            value = f"{line['systolic_mmhg']}/{line['diastolic_mmhg']} mmHg"
        elif line.get("kind") == "glucose":
            value = f"{line['glucose_mmol_l']:g} mmol/L"
        else:
            return
        self._line(now, "measured", home=line["home"], value=value)

    def _episodes(self, dsn: str) -> None:
        try:
            with psycopg.connect(dsn, connect_timeout=1) as conn:
                rows = conn.execute(SQL["events_after"], {"after": self._event_id}).fetchall()
        except psycopg.OperationalError:
            # It may have been killed on purpose; what happened is told when it is back.
            return
        for event_id, at, event, _, name, code, rule_id, confirmed, episode, actor in rows:
            self._event_id = event_id
            rule = load_rules().rule(rule_id)
            tag = _texts()["confirmed"].get(confirmed, "")
            self._line(
                at,
                event,
                name=name,
                home=code,
                rule=rule_id,
                rule_zh=rule.name_zh,
                rule_en=rule.name_en,
                tag=tag,
                episode=episode,
                actor=actor or "",
            )

    def _rang(self, line: Mapping[str, Any]) -> None:
        at = datetime.fromisoformat(line["story"])
        owner = DOCTORS.get(line["owner"], line["owner"])
        self._line(at, f"phone_{line['event']}", owner=owner, text=line.get("text", ""))

    def _line(self, at: datetime, what: str, **facts: object) -> None:
        text = _texts()["line"].get(what)
        if text is None:
            return
        colour, _, words = text.partition("|")
        clock = at.astimezone(ZoneInfo(ZONE)).strftime("%H:%M:%S")
        line = f"{clock}  {words.format(**facts)}"
        if self._colour and colour != "plain":
            line = f"\x1b[{COLOURS[colour]}m{line}\x1b[0m"
        self._say(line)
