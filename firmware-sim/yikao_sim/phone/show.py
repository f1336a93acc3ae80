"""What the fake phone shows: a box that rings on a terminal, and a plain line anywhere else."""

from datetime import tzinfo
from typing import Final

from yikao_sim.phone.phone import Event, Kind
from yikao_sim.terminal import box, plain

BOX_COLUMNS: Final = (40, 76)
"""The narrowest and the widest box."""
BELL: Final = "\a"
KEYS: Final = "a + Enter 接听 answer   q + Enter 退出 quit"

NAMES: Final[dict[Kind, str]] = {
    "rang": "响铃 rang",
    "repeated": "重复，不再响铃 repeated",
    "answered": "已应答 answered",
    "answer_failed": "应答失败 could not answer",
    "refused": "拒收 refused",
    "misbehaved": "故意出错 misbehaved",
}


def line(event: Event, zone: tzinfo) -> str:
    """Return the event on one line, with the story's time in `zone`."""
    facts = [f"{event.story.astimezone(zone):%H:%M:%S}", NAMES[event.event]]
    facts += [plain(event.owner) or "-"]
    facts += [f"#{event.ring}"] * (event.ring > 0)
    facts += [f"第 {event.attempt} 次发送 attempt {event.attempt}"] * (event.attempt > 1)
    facts += [plain(event.text), event.link] if event.event == "rang" else []
    facts += [plain(event.said)]
    return "  ".join(fact for fact in facts if fact)


def ringing(event: Event, zone: tzinfo, terminal_columns: int) -> str:
    """Return the box for a ring, with the bell; the link stands below it, whole."""
    narrowest, widest = BOX_COLUMNS
    width = max(narrowest, min(widest, terminal_columns))
    frame = box(
        [
            f"电话响了 RINGING  #{event.ring}  {event.story.astimezone(zone):%H:%M:%S}",
            f"医生 For   {plain(event.owner)}",
            f"内容 Text  {plain(event.text)}",
            KEYS,
        ],
        width,
    )
    return f"{BELL}{frame}\n链接 Link  {plain(event.link)}"
