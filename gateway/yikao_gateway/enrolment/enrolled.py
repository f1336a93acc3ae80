"""What an enrolment says to the settings: whose gateway this is, and where its files are.

By itself, for every gateway asks this when it starts: keys and certificates are for the few times
when one is made (`folder.py`).
"""

from collections.abc import Set
from pathlib import Path
from typing import Final

from msgspec import DecodeError, Struct, json

from yikao_gateway.errors import EnrolmentError

FOLDER: Final = "enrolled"
CURRENT: Final = "current"
AUTHORITY: Final = "ca.pem"
PAIR: Final = "gateway.pem"
"""Certificate and key in one file: they change together."""
FACTS: Final = "enrolment.json"
ENROLLED: Final = ("id", "tenant", "broker_url", "ca_file", "cert_file", "key_file")
"""The settings that an enrolled gateway need not be given."""


class Facts(Struct, frozen=True):
    """What the server said when we enrolled, and where it is."""

    gateway: str
    tenant: str
    broker_url: str
    server: str
    code: str
    """Of the code that brought it a hash: who types it again is done already."""


def values_of(state: Path, given: Set[str] = frozenset()) -> dict[str, str]:
    """Return what settings need not say, by key; empty for a gateway that is not enrolled.

    given: what they say all the same, which goes before. With another broker nothing of ours is of
    use, with a certificate from elsewhere ours is not. Raises `EnrolmentError` for damaged files.
    """
    folder = state / FOLDER / CURRENT
    if "broker_url" in given or not _is_there(folder):
        return {}
    facts = facts_in(folder)
    values = {
        "id": facts.gateway,
        "tenant": facts.tenant,
        "broker_url": facts.broker_url,
        "ca_file": str(folder / AUTHORITY),
    }
    if not given & {"cert_file", "key_file"}:
        values["cert_file"] = values["key_file"] = str(folder / PAIR)
    return values


def is_ours(state: Path, cert_file: Path | None) -> bool:
    """Return whether a certificate came by a code, so that we can renew it."""
    return cert_file == state / FOLDER / CURRENT / PAIR


def facts_in(folder: Path) -> Facts:
    """Return what stands in a folder. Raises `EnrolmentError` where that is damaged."""
    try:
        return json.decode((folder / FACTS).read_bytes(), type=Facts)
    except (OSError, DecodeError, UnicodeDecodeError) as error:
        raise EnrolmentError(f"{folder / FACTS} cannot be read: enrol again") from error


def _is_there(folder: Path) -> bool:
    try:
        return folder.is_symlink()
    except OSError:
        # Of another user's: whoever needs what is in it will be told.
        return False
