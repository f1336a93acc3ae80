"""Device Information (0x180A): who made the device, which model, which serial number.

Source: Bluetooth SIG, Device Information Service 1.1; GATT Specification
Supplement, 3.206 System ID.
"""

from dataclasses import dataclass
from typing import Final

from yikao_devices import gatt
from yikao_devices.errors import FrameError

TEXT_CHARACTERISTICS: Final = {
    gatt.MANUFACTURER_NAME: "manufacturer",
    gatt.MODEL_NUMBER: "model",
    gatt.SERIAL_NUMBER: "serial",
    gatt.FIRMWARE_REVISION: "firmware",
    gatt.HARDWARE_REVISION: "hardware",
    gatt.SOFTWARE_REVISION: "software",
}


@dataclass(frozen=True, slots=True)
class SystemId:
    """The manufacturer's number (40 bits) and the organisation's (24 bits)."""

    manufacturer: int
    organisation: int


def decode_text(frame: bytes) -> str:
    """Return the text in `frame`; bytes that are no UTF-8 show as replacement characters.

    Devices pad with zero bytes and blanks, which are cut; nothing is refused: a name is a help to
    people, never a key.
    """
    return frame.rstrip(b"\x00").decode("utf-8", errors="replace").strip()


def encode_text(text: str) -> bytes:
    """Return the bytes of `text`."""
    return text.encode()


def decode_system_id(frame: bytes) -> SystemId:
    """Return the two numbers; refuses anything but 8 bytes with `FrameError`."""
    if len(frame) != 8:
        raise FrameError(f"a System ID has 8 bytes, not {len(frame)}", frame)
    return SystemId(int.from_bytes(frame[:5], "little"), int.from_bytes(frame[5:], "little"))


def encode_system_id(value: SystemId) -> bytes:
    """Return the 8 bytes of `value`."""
    return value.manufacturer.to_bytes(5, "little") + value.organisation.to_bytes(3, "little")


def decode_battery(frame: bytes) -> int:
    """Return the battery level in percent; refuses an empty frame or more than 100 %."""
    if not frame or frame[0] > 100:
        raise FrameError("a battery level is one byte of 0 to 100", frame)
    return frame[0]
