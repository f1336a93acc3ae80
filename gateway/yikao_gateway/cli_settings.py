"""What the commands with `--config` share: reading the settings, and saying what went wrong."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from yikao_devices.story_clock import ClockSpecError
from yikao_devices.toml_lines import FaultyFileError
from yikao_gateway.errors import BrokerUnreachable, KeyFileError, StorageError
from yikao_gateway.radio.errors import RadioSpecError, RadioUnavailable
from yikao_gateway.settings import Settings, read_settings


def settings_or_say(path: Path) -> Settings | None:
    """Return the settings, or None after every fault has been told."""
    try:
        return read_settings(path, os.environ)
    except FaultyFileError as error:
        print(error, file=sys.stderr)
        return None


def with_settings(path: Path, work: Callable[[Settings], None]) -> int:
    """Do the work with the settings; return 0, or 2 for a faulty file, else what `told` returns."""
    settings = settings_or_say(path)
    return 2 if settings is None else told(lambda: work(settings))


def told(work: Callable[[], None]) -> int:
    """Do the work; return 0, or tell what is wrong and return 1 for the world, 2 for usage."""
    try:
        work()
    except (ClockSpecError, RadioSpecError) as error:
        return say(error, 2)
    except (StorageError, KeyFileError, RadioUnavailable, BrokerUnreachable) as error:
        return say(error, 1)
    return 0


def say(error: Exception, code: int) -> int:
    """Tell an error on standard error; return `code`."""
    print(f"yikao-gateway: {error}", file=sys.stderr)
    return code
