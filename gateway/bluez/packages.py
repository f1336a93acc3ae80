"""Fetches what the virtual machine is made of: apt downloads, dpkg unpacks, nothing is installed.

Everything ends up in one folder that may be deleted at any time. No root is needed, and nothing
of the machine is changed.
"""

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WANTED: Final = ("qemu-system-x86", "bluez", "dbus-daemon", "busybox-static")
KERNELS: Final = "linux-image-amd64"
"""Names the standard kernels: those for clouds have no Bluetooth."""
LIBRARIES: Final = ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu")
COMMAND_MAX_S: Final = 300.0
"""For one call of apt or dpkg: 90 MB over a slow line."""


class MissingPartError(Exception):
    """A part of the virtual machine cannot be had; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The unpacked packages. root: the folder that stands for `/`."""

    root: Path

    def find(self, pattern: str) -> Path:
        """Return the file or folder that `pattern` names below the root, the last by name."""
        if found := sorted(self.root.glob(pattern)):
            return found[-1]
        raise MissingPartError(f"no {pattern} in {self.root}: delete that folder and try again")

    def libraries(self) -> str:
        """Return a search path for the libraries that this machine does not have."""
        return ":".join(str(self.root / folder) for folder in LIBRARIES)

    def environment(self) -> dict[str, str]:
        """Return the environment in which an unpacked program finds its libraries."""
        modules = self.root / "usr/lib/x86_64-linux-gnu/qemu"
        return os.environ | {
            "LD_LIBRARY_PATH": self.libraries(),
            "QEMU_MODULE_DIR": str(modules),
        }

    def kernel_version(self) -> str:
        return self.find("boot/vmlinuz-*").name.removeprefix("vmlinuz-")

    def bluez_version(self) -> str:
        return _output(str(self.bluetoothd()), "--version", env=self.environment()).strip()

    def bluetoothd(self) -> Path:
        return self.find("usr/lib*/bluetooth/bluetoothd")


def cache_folder() -> Path:
    """Return where the parts are kept: `BLUEZ_CACHE`, or below the user's caches."""
    if chosen := os.environ.get("BLUEZ_CACHE"):
        return Path(chosen).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yikao-bluez"


def fetch(cache: Path, say: Callable[[str], None]) -> Parts:
    """Return the parts, downloaded if they are not in `cache` yet. Raises `MissingPartError`."""
    root = cache / "root"
    if not root.exists():
        _check_machine()
        names = sorted({*WANTED, *_dependencies(), _kernel()})
        say(f"fetching {len(names)} packages, about 90 MB, into {cache}")
        _download(names, cache / "packages")
        say("unpacking")
        _unpack(cache / "packages", root)
    return Parts(root)


def _check_machine() -> None:
    tools = [tool for tool in ("apt-get", "apt-cache", "dpkg") if shutil.which(tool) is None]
    if tools or platform.machine() != "x86_64":
        raise MissingPartError("this needs Debian 12 or newer on amd64, with apt-get and dpkg")


def _dependencies() -> list[str]:
    """Return the packages that installing `WANTED` would add to this machine."""
    plan = _output("apt-get", "install", "--simulate", "--no-install-recommends", *WANTED)
    return [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]


def _kernel() -> str:
    """Return the package of `BLUEZ_KERNEL`, else of the release without its later updates.

    Of those 6.1.192 is known to fall over when a device has lost its bond (list_del corruption in
    hci_chan_del, called by bluetoothd closing its socket); 6.1.170 and 6.1.176 do not.
    """
    if chosen := os.environ.get("BLUEZ_KERNEL"):
        return chosen
    known = _output("apt-cache", "show", KERNELS).splitlines()
    names = [line.split()[1] for line in known if line.startswith("Depends: linux-image-")]
    if not names:
        raise MissingPartError(f"apt knows no {KERNELS}: run `apt-get update` as root, once")
    return names[-1]


def _download(names: list[str], folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # As root apt would otherwise change to a user who may not write here.
    _output("apt-get", "download", "-o", "APT::Sandbox::User=root", *names, cwd=folder)


def _unpack(packages: Path, root: Path) -> None:
    new = root.with_name("root.new")
    shutil.rmtree(new, ignore_errors=True)
    for package in sorted(packages.glob("*.deb")):
        _output("dpkg", "-x", str(package), str(new))
    new.rename(root)
    shutil.rmtree(packages)


def _output(*command: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=(env or os.environ) | {"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=COMMAND_MAX_S,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip() or error.stdout.strip()
        raise MissingPartError(
            f"`{' '.join(command[:3])}` failed: {why}\n"
            "If a package was not found, run `apt-get update` as root, once."
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingPartError(f"`{' '.join(command[:3])}`: {error}") from error
    return done.stdout
