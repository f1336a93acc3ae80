"""The picture and the words about an episode's life agree with the table it lives by."""

import re
from pathlib import Path
from xml.etree import ElementTree

from yikao_alerts.episodes import TRANSITIONS, Event, State

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \| ", re.MULTILINE)


def test_the_picture_shows_every_state_and_event() -> None:
    picture = ElementTree.parse(DOCS / "episodes.svg").getroot()
    texts = [element.text or "" for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    shown = {text.split()[-1] for text in texts}
    assert shown >= {*Event, *State} - {State.NONE}


def test_the_words_name_every_transition_and_no_other() -> None:
    words = (DOCS / "episodes.md").read_text("utf-8")
    told = {
        (State(before), Event(event)): State(after) for event, before, after in ROW.findall(words)
    }
    assert told == TRANSITIONS
    for state in State:
        assert f"| `{state}` |" in words
