"""What `yikao check` looks at on this machine: rules, secrets, channels, and room on the disk."""

import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_alerts.rules import DEFAULT_PROFILE, load_rules
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest import settings
from yikao_ingest.check import Found, Place
from yikao_ingest.errors import ServerError
from yikao_ingest.settings import SECRET_BYTES, WEBHOOK_SECRET_FILE
from yikao_ingest.settings_channels import channels_of_file

FREE_BYTES_MIN: Final = 2 * 1024**3
"""PostgreSQL stops where there is no room; a busy town writes this much in days."""
GIB: Final = 1024**3
SECRET_FILES: Final = {LINK_SECRET_FILE: "link.key", WEBHOOK_SECRET_FILE: "webhook.key"}
"""As `yikao serve` calls those it makes."""


def check(place: Place) -> Iterator[Found]:
    """Look at each, one after the other."""
    yield rules()
    yield secrets(place)
    yield channels(place)
    yield disk(place.data)


def rules(rule_set: str = DEFAULT_PROFILE) -> Found:
    """Can the rules be read?"""
    try:
        found = load_rules(rule_set)
    except FaultyFileError as error:
        return Found("rules", "faulty", {"reason": error})
    return Found("rules", facts={"rules": len(found.rules), "digest": found.digest})


def secrets(place: Place) -> Found:
    """Are the keys there, long enough, and nobody else's to read?"""
    for variable, path in secret_files(place).items():
        facts = {"variable": variable, "path": path, "bytes": SECRET_BYTES}
        if not path.exists():
            return Found("secrets", "absent", facts)
        try:
            settings.secret({variable: str(path)}, variable)
        except ServerError as error:
            return Found("secrets", "faulty", facts | {"reason": error.message})
        # The group's bit is what systemd shows of its credentials, whoever may read them.
        if path.stat().st_mode & stat.S_IROTH:
            return Found("secrets", "exposed", facts)
    return Found("secrets")


def secret_files(place: Place) -> Mapping[str, Path]:
    """Return which file each setting means: the one it names, else that of `yikao serve`."""
    made = place.data / "secrets"
    return {
        variable: Path(place.environ.get(variable) or made / name)
        for variable, name in SECRET_FILES.items()
    }


def channels(place: Place) -> Found:
    """Which ways to a doctor are set up? Nothing is sent."""
    environ = {**place.environ}
    try:
        if environ.get(LINK_SECRET_FILE):
            known = list(settings.channels(environ))
        else:
            known = ["console", "webhook", *channels_of_file(environ, b"")]
    except (ServerError, FaultyFileError) as error:
        return Found("channels", "faulty", {"reason": error})
    unset = [name for name in KIND_OF if name not in (*known, "sink")]
    return Found("channels", facts={"known": ", ".join(known), "unset": ", ".join(unset) or "–"})


def disk(folder: Path) -> Found:
    """Is there room where the data are, or would be?"""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    room = shutil.disk_usage(there)
    facts = {"path": there, "free": room.free / GIB, "least": FREE_BYTES_MIN / GIB}
    return Found("disk", "ok" if room.free >= FREE_BYTES_MIN else "full", facts)
