"""What a gateway does in the end: its own settings, and where they leave it open the server's wish.

Whoever stands before the machine has the last word: a key in the settings' file or the environment
is never changed from afar.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from yikao_devices.wire_configuration import Configuration, InForce, LogLevel
from yikao_gateway.settings import Settings

NAMES: Final = ("language", "pairing", "heartbeat_s", "reread_s", "eager_s", "backlog_rows")
"""Settings of the gateway that may be wished otherwise; the log level is none of them."""
USUAL: Final[LogLevel] = "info"
"""The level at which every gateway logs."""


def overruled(settings: Settings, wish: Configuration | None) -> tuple[str, ...]:
    """Return what is wished and not done, because the gateway's own settings name it."""
    return tuple(name for name in _wished(wish) if name in settings.given)


def settings_with(settings: Settings, wish: Configuration | None) -> Settings:
    """Return the settings with what is wished, as far as they leave it open."""
    open_ = {name: value for name, value in _wished(wish).items() if name not in settings.given}
    return replace(settings, **open_)


def log_level(wish: Configuration | None, now: datetime) -> LogLevel:
    """Return the level to log at now: as wished, until that is over."""
    if wish is None or wish.log_level is None or wish.log_until is None or now >= wish.log_until:
        return USUAL
    return wish.log_level


def in_force(settings: Settings, wish: Configuration | None, now: datetime) -> InForce:
    """Return what the gateway does; settings: with the wish in them."""
    level = log_level(wish, now)
    return InForce(
        revision=wish.revision if wish else 0,
        log_level=level,
        log_until=wish.log_until if wish and level != USUAL else None,
        **{name: getattr(settings, name) for name in NAMES},
    )


def _wished(wish: Configuration | None) -> Mapping[str, Any]:
    values = {name: getattr(wish, name) for name in NAMES} if wish else {}
    return {name: value for name, value in values.items() if value is not None}
