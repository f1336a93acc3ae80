"""The 16-bit numbers by which Bluetooth names services and characteristics.

Source: Bluetooth SIG, Assigned Numbers, sections 3.4 (services) and 3.8 (characteristics).
"""

from typing import Final

# Services
GLUCOSE_SERVICE: Final = 0x1808
CURRENT_TIME_SERVICE: Final = 0x1805
DEVICE_INFORMATION_SERVICE: Final = 0x180A
BATTERY_SERVICE: Final = 0x180F
BLOOD_PRESSURE_SERVICE: Final = 0x1810

# Characteristics
DATE_TIME: Final = 0x2A08
GLUCOSE_MEASUREMENT: Final = 0x2A18
BATTERY_LEVEL: Final = 0x2A19
SYSTEM_ID: Final = 0x2A23
MODEL_NUMBER: Final = 0x2A24
SERIAL_NUMBER: Final = 0x2A25
FIRMWARE_REVISION: Final = 0x2A26
HARDWARE_REVISION: Final = 0x2A27
SOFTWARE_REVISION: Final = 0x2A28
MANUFACTURER_NAME: Final = 0x2A29
CURRENT_TIME: Final = 0x2A2B
GLUCOSE_MEASUREMENT_CONTEXT: Final = 0x2A34
BLOOD_PRESSURE_MEASUREMENT: Final = 0x2A35
BLOOD_PRESSURE_FEATURE: Final = 0x2A49
GLUCOSE_FEATURE: Final = 0x2A51
RECORD_ACCESS_CONTROL_POINT: Final = 0x2A52

# Descriptors
CLIENT_CHARACTERISTIC_CONFIGURATION: Final = 0x2902

BASE_UUID_TAIL: Final = "-0000-1000-8000-00805f9b34fb"


def uuid128(short: int) -> str:
    """Return the full UUID text of a 16-bit number, as radio libraries spell it."""
    return f"{short:08x}{BASE_UUID_TAIL}"


def uuid16(full: str) -> int | None:
    """Return the 16-bit number behind a full UUID text, or None for a vendor's own UUID."""
    text = full.lower()
    if len(text) == 36 and text.startswith("0000") and text.endswith(BASE_UUID_TAIL):
        return int(text[4:8], 16)
    return None


def hex16(short: int) -> str:
    """Return the usual spelling of a 16-bit number: `2A35`."""
    return f"{short:04X}"
