"""Builds what the virtual machine boots from: a shell, the kernel modules it needs, and `init`.

Everything else the machine takes from the computer it runs on, which it sees read-only.

Formats: Linux, Documentation/driver-api/early-userspace/buffer-format.rst (an archive of the kind
`cpio -H newc`) and kernel/module (`depends=` in a module's `.modinfo`).
"""

import lzma
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from packages import MissingPartError, Parts

FILES: Final = ("9pnet_virtio", "9p", "overlay")
DEVICES: Final = ("virtio_pci", "virtio_console")
BLUETOOTH: Final = ("bluetooth", "hci_uart")
CRYPTOGRAPHY: Final = (
    *("aes_generic", "ecb", "ctr", "cmac", "ccm", "sha512_generic", "drbg", "ecdh_generic"),
    *("algif_hash", "algif_skcipher"),
)
"""What the kernel pairs and encrypts with, and what bluetoothd asks the kernel to compute."""
WANTED: Final = (*DEVICES, *FILES, *CRYPTOGRAPHY, *BLUETOOTH)

FILE_MODE: Final = 0o100755
FOLDER_MODE: Final = 0o040755
FOLDERS: Final = ("bin", "dev", "modules", "proc", "root", "sys")


def build(parts: Parts, init: Path, settings: Mapping[str, str]) -> bytes:
    """Return the archive. settings: variables that `init` reads."""
    files = {
        "init": init.read_bytes(),
        "settings": "".join(f"{k}={shlex.quote(v)}\n" for k, v in settings.items()).encode(),
        "bin/busybox": parts.find("*bin/busybox").read_bytes(),
    }
    order: list[str] = []
    for name, module in modules(parts.find("lib/modules/*/kernel")):
        order.append(f"{name}.ko")
        files[f"modules/{name}.ko"] = module
    files["modules/order"] = "\n".join(order).encode()
    return archive(files)


def modules(kernel: Path) -> Iterator[tuple[str, bytes]]:
    """Give the wanted modules and those they need, each after the ones it needs.

    kernel: the folder of the modules. Those that are built into the kernel are left out.
    """
    paths = {_plain(path.name): path for path in kernel.rglob("*.ko*")}
    built_in = {
        _plain(Path(line).name)
        for line in (kernel.parent / "modules.builtin").read_text().splitlines()
    }
    given: set[str] = set(built_in)

    def with_needs(name: str) -> Iterator[tuple[str, bytes]]:
        if name in given:
            return
        given.add(name)
        if name not in paths:
            raise MissingPartError(f"this kernel has no module {name}")
        module = _read(paths[name])
        for need in _needs(module):
            yield from with_needs(need)
        yield name, module

    for name in WANTED:
        yield from with_needs(name)


def _plain(file_name: str) -> str:
    return file_name.partition(".ko")[0].replace("-", "_")


def _read(path: Path) -> bytes:
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def _needs(module: bytes) -> list[str]:
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    names = found[1].decode().split(",") if found else []
    return [name.replace("-", "_") for name in names if name]


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return `files` in the format from which the kernel fills its first file system."""
    entries = [_entry(name, FOLDER_MODE, b"") for name in FOLDERS]
    entries += [_entry(name, FILE_MODE, content) for name, content in files.items()]
    return b"".join((*entries, _entry("TRAILER!!!", 0, b"")))


def _entry(name: str, mode: int, content: bytes) -> bytes:
    path = name.encode() + b"\0"
    numbers = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(path), 0)
    head = b"070701" + b"".join(b"%08X" % number for number in numbers) + path
    return _padded(head) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + bytes(-len(part) % 4)
