"""Writes down who lives in the zoo of bad devices: `docs/zoo.md`, from the personas themselves.

With `--check` nothing is written, and the exit code is 1 when the page is out of date.
"""

import sys
from pathlib import Path
from typing import Final

from generated import write_or_compare

from yikao_sim.zoo.keeper import PERSONAS
from yikao_sim.zoo.persona import Persona
from yikao_sim.zoo.report import TEXTS

PAGE: Final = Path(__file__).with_name("zoo.md")
HEAD: Final = """\
# 坏设备动物园 The zoo of bad devices

由 `docs/write_zoo.py` 生成，请勿手改。 Written by `docs/write_zoo.py`; do not edit.

每一只都像有人真正遇到过、并公开写下来的设备那样捣乱。`yikao-sim zoo --run` 让网关逐一面对，
只看它打印了什么；换成别人的网关也行：`--gateway`。

Each misbehaves as somebody once met a real device, and wrote it down in public.
`yikao-sim zoo --run` lets a gateway meet them and judges by what it prints; with `--gateway` that
may be anybody's. What ours does about each behaviour, and where: [devices.md](devices.md).

`#1`: 血压计的用户号 the cuff's user; `⇒`: 下一次运行网关 at the gateway's next run;
`[…]`: 标记 flags; `—`: 什么都没有 nothing.

| persona | 表现 what it does | 网关应当 a gateway must come to | source |
| --- | --- | --- | --- |
"""


def row(persona: Persona) -> str:
    """Return the line of one persona."""
    word = f"{TEXTS['zh'].outcomes[persona.outcome]} {persona.outcome.value}"
    about = f"{persona.about.zh} {persona.about.en}"
    return f"| {persona.name} | {about} | **{word}**: {persona.expected()} | <{persona.source}> |\n"


if __name__ == "__main__":
    page = HEAD + "".join(map(row, PERSONAS))
    sys.exit(write_or_compare({PAGE: page}, sys.argv[1:]))
