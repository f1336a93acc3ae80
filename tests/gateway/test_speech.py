"""Prompts are spoken by a child that can neither hold up nor end the gateway."""

import asyncio
import logging
import shutil
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from stage import eventually

from yikao_gateway.household import speech
from yikao_gateway.household.speech import Speaker, find_speaker

STORY_MAX_S = 30.0
SECRET = "请再量一次"


@asynccontextmanager
async def speaking(speaker: Speaker) -> AsyncIterator[asyncio.Task[None]]:
    async with asyncio.timeout(STORY_MAX_S):
        task = asyncio.create_task(speaker.speak_for_ever())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait({task})


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


@pytest.mark.skipif(shutil.which(speech.PROGRAM) is None, reason="espeak-ng is not installed")
@pytest.mark.parametrize(
    ("language", "text"),
    [("zh", "请现在再量一次血压。如有不适请拨打120。"), ("en", "Measure now. If unwell call 120.")],
)
def test_the_real_program_speaks_both_languages(tmp_path: Path, language: str, text: str) -> None:
    found = find_speaker(language)  # type: ignore[arg-type]
    assert found is not None
    sound = tmp_path / "said.wav"

    async def story() -> None:
        speaker = Speaker((*found._command, "-w", str(sound)), found._language)
        async with speaking(speaker):
            speaker.say(text)
            await eventually(lambda: _seconds(sound) > 1.0)

    asyncio.run(story())


def _seconds(path: Path) -> float:
    """Return how long a sound is; 0 while there is none."""
    try:
        with wave.open(str(path)) as sound:
            return sound.getnframes() / sound.getframerate()
    except (FileNotFoundError, EOFError, wave.Error):
        return 0.0


def test_of_those_that_wait_only_the_newest_is_said(tmp_path: Path) -> None:
    heard = tmp_path / "heard"

    async def story() -> None:
        speaker = Speaker(shell(f"cat >> {heard}; echo >> {heard}"), "zh")
        for text in ("一", "二", "三"):
            speaker.say(text)
        async with speaking(speaker):
            await eventually(lambda: heard.exists() and heard.read_text("utf-8") == "三\n")
            speaker.say("四，请拨打120。")
            await eventually(lambda: heard.read_text("utf-8") == "三\n四，请拨打幺二零。\n")

    asyncio.run(story())


def test_a_program_that_hangs_is_ended_with_the_gateway(tmp_path: Path) -> None:
    mark = tmp_path / "pid"

    async def story() -> int:
        speaker = Speaker(shell(f"echo $$ > {mark}.new; mv {mark}.new {mark}; exec sleep 60"), "zh")
        async with speaking(speaker):
            speaker.say(SECRET)
            await eventually(mark.exists)
        return int(mark.read_text())

    pid = asyncio.run(story())
    assert not Path(f"/proc/{pid}").exists()


def test_one_that_takes_too_long_is_left_and_the_next_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(speech, "SPEAK_MAX_S", 0.2)
    heard = tmp_path / "heard"
    script = f'read -r text; [ "$text" = slow ] && exec sleep 60; echo "$text" > {heard}'

    async def story() -> None:
        speaker = Speaker(shell(script), "en")
        async with speaking(speaker):
            speaker.say("slow\n")
            await eventually(lambda: "not done" in str([r.__dict__ for r in caplog.records]))
            speaker.say("quick\n")
            await eventually(heard.exists)

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())


@pytest.mark.parametrize(
    "command",
    [
        shell("cat > /dev/null; exit 3"),
        shell("cat > /dev/null; echo error: no card >&2"),
        ("/none",),
    ],
)
def test_silence_is_told_without_the_words(
    command: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        speaker = Speaker(command, "zh")
        async with speaking(speaker) as task:
            speaker.say(SECRET)
            await eventually(lambda: bool(caplog.records))
            assert not task.done()

    with caplog.at_level(logging.WARNING):
        asyncio.run(story())
    (record,) = caplog.records
    assert record.getMessage() == "not spoken"
    assert SECRET not in str(record.__dict__)


def test_without_the_program_nobody_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_speaker("zh") is None
