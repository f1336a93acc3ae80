"""An item in a line, as a person would write it down; for the tools, where somebody looks on."""

from yikao_devices.wire import (
    BloodPressureReading,
    DeviceEvent,
    GlucoseReading,
    HeartRateReading,
    Item,
    OximetryReading,
    Reading,
    RefusedFrame,
    SymptomReport,
    TemperatureReading,
    WeightReading,
    kind_of,
)


def text_of(item: Item) -> str:
    """Return when, what, and what was odd about it."""
    match item:
        case DeviceEvent():
            return f"{item.measured_at:%Y-%m-%d %H:%M}  {item.code}"
        case RefusedFrame():
            return f"{item.clocks.t_hub:%Y-%m-%d %H:%M}  {item.frame} refused: {item.reason}"
        case SymptomReport():
            return kind_of(item)
        case reading:
            flags = " ".join(reading.flags)
            return f"{reading.measured_at:%Y-%m-%d %H:%M}  {value_of(reading)}  {flags}"


def value_of(reading: Reading) -> str:
    """Return the numbers, in our units."""
    match reading:
        case BloodPressureReading():
            value = f"{reading.systolic_mmhg:g}/{reading.diastolic_mmhg:g} mmHg"
            return value + _pulse(reading.pulse_bpm)
        case GlucoseReading():
            number = reading.glucose_mmol_l
            return "no number" if number is None else f"{number:g} mmol/L"
        case WeightReading():
            return f"{reading.weight_kg:g} kg"
        case TemperatureReading():
            return f"{reading.temperature_c:g} °C"
        case OximetryReading():
            return f"SpO2 {reading.spo2_pct:g} %" + _pulse(reading.pulse_bpm)
        case HeartRateReading():
            return f"heart rate {reading.pulse_bpm:g}"


def _pulse(pulse_bpm: float | None) -> str:
    return "" if pulse_bpm is None else f", pulse {pulse_bpm:g}"
