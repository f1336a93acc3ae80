"""What a gateway runs on, for whoever keeps many: versions, radio adapters, room, its certificate.

Nothing that tells one home from another: no name of the host, no address, no serial number.
"""

import logging
import platform
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from yikao_devices.wire_configuration import ADAPTERS_MAX, Machine
from yikao_gateway.errors import EnrolmentError
from yikao_gateway.settings import Settings

log = logging.getLogger(__name__)

BLUEZ: Final = ("bluetoothctl", "--version")
BLUEZ_MAX_S: Final = 2.0
ADAPTERS: Final = Path("/sys/class/bluetooth")
SYSTEM_MAX: Final = 120
VERSION_MAX: Final = 32


def machine_of(settings: Settings) -> Callable[[], Machine]:
    """Return who says what the machine is; what never changes while we run is looked up here."""
    on_bluez = settings.radio.startswith("bluez")
    bluez = _bluez() if on_bluez else None
    system = _system()

    def machine() -> Machine:
        return Machine(
            python=platform.python_version()[:VERSION_MAX],
            system=system,
            disk_free_mib=shutil.disk_usage(settings.state_dir).free // 2**20,
            bluez=bluez,
            adapters=_adapters() if on_bluez else (),
            certificate_until=_certificate_until(settings.cert_file),
        )

    return machine


def _system() -> str:
    """Return distribution, kernel and processor: `Debian GNU/Linux 12 (bookworm), Linux 6.1…`."""
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    parts = (name, f"{platform.system()} {platform.release()}", platform.machine())
    return ", ".join(parts)[:SYSTEM_MAX]


def _bluez() -> str | None:
    """Return BlueZ's version, None where its tool is not installed or does not answer."""
    try:
        said = subprocess.run(
            BLUEZ, capture_output=True, text=True, timeout=BLUEZ_MAX_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        log.info("BlueZ's version is not known", extra={"why": type(error).__name__})
        return None
    return said.rpartition(" ")[2].strip()[:VERSION_MAX] or None


def _certificate_until(file: Path | None) -> datetime | None:
    """Return until when the certificate is valid; None without one that can be read."""
    if file is None:
        return None
    # X.509 takes 2 MB, which a gateway without a certificate can do without.
    from yikao_gateway.enrolment.certificate import read_certificate

    try:
        return read_certificate(file.read_bytes()).ends
    except (OSError, EnrolmentError):
        return None


def _adapters() -> tuple[str, ...]:
    """Return the radio adapters by the kernel's names, which say nothing of whose they are."""
    try:
        names = sorted(entry.name for entry in ADAPTERS.iterdir())
    except OSError:
        return ()
    return tuple(name[:16] for name in names if ":" not in name)[:ADAPTERS_MAX]
