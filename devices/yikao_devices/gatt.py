"""The 16-bit numbers by which Bluetooth names services and characteristics.

Vendors name their own by 128 bits. Those that we speak have a number too, above the 16-bit ones
and ours alone, so that one kind of name goes through conversations, radio and disk alike.

Source: Bluetooth SIG, Assigned Numbers, sections 3.4 (services) and 3.8 (characteristics).
"""

from typing import Final

# Services
GLUCOSE_SERVICE: Final = 0x1808
CURRENT_TIME_SERVICE: Final = 0x1805
HEALTH_THERMOMETER_SERVICE: Final = 0x1809
DEVICE_INFORMATION_SERVICE: Final = 0x180A
HEART_RATE_SERVICE: Final = 0x180D
BATTERY_SERVICE: Final = 0x180F
BLOOD_PRESSURE_SERVICE: Final = 0x1810
WEIGHT_SCALE_SERVICE: Final = 0x181D
CONTINUOUS_GLUCOSE_SERVICE: Final = 0x181F
PULSE_OXIMETER_SERVICE: Final = 0x1822

# Characteristics
DATE_TIME: Final = 0x2A08
GLUCOSE_MEASUREMENT: Final = 0x2A18
BATTERY_LEVEL: Final = 0x2A19
TEMPERATURE_MEASUREMENT: Final = 0x2A1C
INTERMEDIATE_TEMPERATURE: Final = 0x2A1E
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
INTERMEDIATE_CUFF_PRESSURE: Final = 0x2A36
HEART_RATE_MEASUREMENT: Final = 0x2A37
BLOOD_PRESSURE_FEATURE: Final = 0x2A49
GLUCOSE_FEATURE: Final = 0x2A51
RECORD_ACCESS_CONTROL_POINT: Final = 0x2A52
PLX_SPOT_CHECK_MEASUREMENT: Final = 0x2A5E
PLX_CONTINUOUS_MEASUREMENT: Final = 0x2A5F
PLX_FEATURES: Final = 0x2A60
WEIGHT_MEASUREMENT: Final = 0x2A9D
WEIGHT_SCALE_FEATURE: Final = 0x2A9E
CGM_MEASUREMENT: Final = 0x2AA7
CGM_FEATURE: Final = 0x2AA8
ENHANCED_BLOOD_PRESSURE_MEASUREMENT: Final = 0x2B34
ENHANCED_INTERMEDIATE_CUFF_PRESSURE: Final = 0x2B35

# Vendors' own characteristics
CONTOUR_CLOCK: Final = 0x1_1026
CARESENS_CLOCK: Final = 0x1_A3BC
YONKER_MEASUREMENT: Final = 0x1_CD81

# Descriptors
CLIENT_CHARACTERISTIC_CONFIGURATION: Final = 0x2902

BASE_UUID_TAIL: Final = "-0000-1000-8000-00805f9b34fb"

_VENDORS: Final = {
    CONTOUR_CLOCK: "00001026-0002-11e2-9e96-0800200c9a66",
    CARESENS_CLOCK: "c4dea3bc-5a9d-11e9-8647-d663bd873d93",
    YONKER_MEASUREMENT: "cdeacd81-5235-4c07-8846-93a37ee6b86d",
}
"""Who uses them, and the source, stands in the catalogue beside the models of each vendor."""
_VENDOR_NUMBERS: Final = {full: number for number, full in _VENDORS.items()}


def uuid128(number: int) -> str:
    """Return the full UUID text of a characteristic's number, as radio libraries spell it."""
    return _VENDORS.get(number) or f"{number:08x}{BASE_UUID_TAIL}"


def uuid16(full: str) -> int | None:
    """Return the 16-bit number behind a full UUID text, or None for a vendor's own UUID."""
    text = full.lower()
    if len(text) == 36 and text.startswith("0000") and text.endswith(BASE_UUID_TAIL):
        return int(text[4:8], 16)
    return None


def number_of(full: str) -> int | None:
    """Return the number of a full UUID text, or None for a vendor's own that we do not speak."""
    short = uuid16(full)
    return _VENDOR_NUMBERS.get(full.lower()) if short is None else short


def hex16(number: int) -> str:
    """Return the usual spelling of a number: `2A35`; a vendor's own in full."""
    return _VENDORS.get(number) or f"{number:04X}"
