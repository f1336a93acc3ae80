"""`yikao-gateway run`: the gateway itself."""

import argparse
import asyncio
import json
import os
from typing import Any

from yikao_gateway.cli_settings import settings_or_say, told
from yikao_gateway.gateway import Home, run_gateway
from yikao_gateway.household.home_clock import home_clock
from yikao_gateway.keys import load_key
from yikao_gateway.logs import set_up_logs
from yikao_gateway.settings import Settings
from yikao_gateway.state import make_folder, only_one, open_verified


def run(arguments: argparse.Namespace) -> int:
    """Run until told to stop; return the exit code."""
    settings = settings_or_say(arguments.config)
    if settings is None:
        return 2
    set_up_logs()
    return told(lambda: _run(settings))


def _run(settings: Settings) -> None:
    now = home_clock(os.environ, settings.zone)
    make_folder(settings.state_dir)
    with only_one(settings.state_dir):
        database, damaged = open_verified(settings.state_dir, now())
        try:
            key = load_key(settings.state_dir)
            asyncio.run(run_gateway(settings, Home(database, key, now, _show, damaged)))
        finally:
            database.close()


def _show(prompt: dict[str, Any]) -> None:
    print(json.dumps(prompt, ensure_ascii=False), flush=True)
