"""Says aloud what the page shows, for somebody who cannot read it or is in the next room.

By night as by day: what is said at night was asked for by a doctor's protocol, after a crisis is
measured again every 20 minutes, and whoever sleeps through it is not measured. The program is
espeak-ng; where it is missing nothing is said and everything is shown all the same.

Source: espeak-ng(1); "cmn" is its Mandarin, "zh" a voice that asks for another program's data.
"""

import asyncio
import logging
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from typing import Final, Literal

log = logging.getLogger(__name__)

PROGRAM: Final = "espeak-ng"
VOICES: Final = {"zh": "cmn", "en": "en"}
WORDS_A_MINUTE: Final = 130
"""Slower than the program's own 175: it is heard by old people."""
SPEAK_MAX_S: Final = 90.0
"""The longest prompt takes a minute; a sound card that hangs is left after this."""
EMERGENCY: Final = re.compile(r"(?<![0-9])120(?![0-9])")
DIGITS: Final = {"zh": "幺二零", "en": "1 2 0"}
"""The emergency number as people say it, and not as "one hundred and twenty"."""


class Speaker:
    """Says one text after the other; of those that wait only the newest is said.

    command: the program and its arguments; it reads the text from standard input, where no list
    of processes shows it.
    """

    def __init__(self, command: Sequence[str], language: Literal["zh", "en"]) -> None:
        self._command = tuple(command)
        self._language = language
        self._waiting: asyncio.Queue[str] = asyncio.Queue(maxsize=1)

    def say(self, text: str) -> None:
        """Say `text` soon, instead of what waits; what is being said is said to its end."""
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(EMERGENCY.sub(DIGITS[self._language], text))

    async def speak_for_ever(self) -> None:
        """Say what comes, until it is cancelled; silence is not worth the gateway's end."""
        while True:
            text = await self._waiting.get()
            try:
                await self._speak(text)
            except TimeoutError:
                log.warning("not spoken", extra={"why": f"not done after {SPEAK_MAX_S:g} s"})
            except OSError as error:
                log.warning("not spoken", extra={"why": str(error)})

    async def _speak(self, text: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=DEVNULL, stderr=PIPE
        )
        try:
            async with asyncio.timeout(SPEAK_MAX_S):
                _, complaint = await process.communicate(text.encode())
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        # Without a sound card it complains and says that all is well.
        said = complaint.decode(errors="replace").strip()
        if process.returncode or "error:" in said:
            log.warning("not spoken", extra={"why": said[-200:], "code": process.returncode})


def find_speaker(language: Literal["zh", "en"]) -> Speaker | None:
    """Return who speaks on this machine; None, and a line in the log, where nobody does."""
    program = shutil.which(PROGRAM)
    if program is None:
        log.info("prompts are shown only", extra={"why": f"{PROGRAM} is not installed"})
        return None
    speed = str(WORDS_A_MINUTE)
    return Speaker((program, "-v", VOICES[language], "-s", speed, "--stdin"), language)
