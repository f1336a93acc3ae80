"""Every codec of a frame with fields, both ways, with values to say and a frame as it is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from frames import (
    BYTE,
    NIBBLE,
    WORD,
    blood_pressures,
    contexts,
    glucoses,
    maybe,
    numbers,
    times,
    trailing,
)
from hypothesis import strategies as st

from yikao_devices.blood_pressure import decode_blood_pressure, encode_blood_pressure
from yikao_devices.cgm import (
    CgmFeature,
    CgmMeasurement,
    CgmRecord,
    decode_cgm_feature,
    decode_cgm_measurement,
    encode_cgm_feature,
    encode_cgm_measurement,
)
from yikao_devices.cuff_pressure import CuffPressure, decode_cuff_pressure, encode_cuff_pressure
from yikao_devices.date_time import EpochTime
from yikao_devices.enhanced_blood_pressure import (
    EnhancedBloodPressure,
    EnhancedCuffPressure,
    decode_enhanced_blood_pressure,
    decode_enhanced_cuff_pressure,
    encode_enhanced_blood_pressure,
    encode_enhanced_cuff_pressure,
)
from yikao_devices.glucose import decode_glucose, encode_glucose
from yikao_devices.glucose_context import decode_glucose_context, encode_glucose_context
from yikao_devices.heart_rate import Contact, HeartRate, decode_heart_rate, encode_heart_rate
from yikao_devices.pulse_oximeter import (
    Continuous,
    SpotCheck,
    decode_continuous,
    decode_spot_check,
    encode_continuous,
    encode_spot_check,
)
from yikao_devices.quirks import Quirk
from yikao_devices.sfloat import Number, Special, decode_float
from yikao_devices.temperature import Temperature, decode_temperature, encode_temperature
from yikao_devices.weight import Weight, decode_weight, encode_weight

BEURER = Quirk.BEURER_BE


@dataclass(frozen=True, slots=True)
class Codec:
    """`values`: whatever the frame can carry. `sample`: a frame with most of its fields."""

    name: str
    decode: Callable[[bytes], Any]
    encode: Callable[[Any], bytes]
    values: st.SearchStrategy[Any]
    sample: bytes

    def __str__(self) -> str:
        return self.name


pressure_units = st.sampled_from(["mmHg", "kPa"])


@st.composite
def cuff_pressures(draw: st.DrawFn) -> CuffPressure:
    return CuffPressure(
        draw(pressure_units),
        draw(numbers),
        draw(maybe(times)),
        draw(maybe(numbers)),
        draw(maybe(BYTE)),
        draw(maybe(WORD)),
        draw(trailing),
    )


@st.composite
def enhanced_tails(draw: st.DrawFn) -> tuple[Any, ...]:
    """What both enhanced frames have behind the pressures; their times share one year."""
    seconds = st.builds(EpochTime, st.integers(0, 2**32 - 1), st.just(draw(years)))
    return (
        draw(maybe(seconds)),
        draw(maybe(numbers)),
        draw(maybe(BYTE)),
        draw(maybe(WORD)),
        draw(maybe(seconds)),
        draw(trailing),
    )


years = st.sampled_from([1900, 2000])
enhanced_blood_pressures = st.builds(
    lambda unit, three, tail: EnhancedBloodPressure(unit, *three, *tail),
    pressure_units,
    st.tuples(numbers, numbers, numbers),
    enhanced_tails(),
)
enhanced_cuff_pressures = st.builds(
    lambda unit, pressure, tail: EnhancedCuffPressure(unit, pressure, *tail),
    pressure_units,
    numbers,
    enhanced_tails(),
)


@st.composite
def weights(draw: st.DrawFn) -> Weight:
    unit, steps, height_steps = draw(st.sampled_from([("kg", 200, 1000), ("lb", 100, 10)]))
    weight: Number = draw(st.integers(0, 0xFFFE)) / steps
    body = draw(maybe(st.tuples(WORD, WORD)))
    return Weight(
        unit,
        draw(st.sampled_from([weight, Special.NAN])),
        draw(maybe(times)),
        draw(maybe(BYTE)),
        body and body[0] / 10,
        body and body[1] / height_steps,
        draw(trailing),
    )


temperatures = st.builds(
    Temperature,
    st.sampled_from(["C", "F"]),
    st.integers(0, 2**32 - 1).map(decode_float),
    maybe(times),
    maybe(BYTE),
    trailing,
)
amplitudes = maybe(numbers)
spot_checks = st.builds(
    SpotCheck,
    numbers,
    numbers,
    maybe(times),
    maybe(WORD),
    maybe(st.integers(0, 2**24 - 1)),
    amplitudes,
    st.sampled_from([True, None]),
    trailing,
)
pairs = st.tuples(numbers, numbers) | st.just((None, None))
continuous = st.builds(
    lambda two, fast, slow, rest: Continuous(*two, *fast, *slow, *rest),
    st.tuples(numbers, numbers),
    pairs,
    pairs,
    st.tuples(maybe(WORD), maybe(st.integers(0, 2**24 - 1)), amplitudes, trailing),
)


@st.composite
def heart_rates(draw: st.DrawFn) -> HeartRate:
    """With intervals there is nothing behind them: they fill the frame."""
    intervals = draw(maybe(st.lists(WORD, max_size=9).map(tuple)))
    return HeartRate(
        draw(WORD),
        draw(st.sampled_from(Contact)),
        draw(maybe(WORD)),
        intervals,
        b"" if intervals is not None else draw(trailing),
    )


@st.composite
def cgm_records(draw: st.DrawFn) -> CgmRecord:
    """Without a check sum, two unknown bytes at the end would be taken for one."""
    protected = draw(st.booleans())
    rest = draw(trailing)
    return CgmRecord(
        draw(numbers),
        draw(WORD),
        draw(maybe(BYTE)),
        draw(maybe(BYTE)),
        draw(maybe(BYTE)),
        draw(maybe(numbers)),
        draw(maybe(numbers)),
        protected,
        b"" if protected or len(rest) == 2 else rest,
    )


cgm_measurements = st.lists(cgm_records(), min_size=1, max_size=4).map(
    lambda records: CgmMeasurement(tuple(records))
)
cgm_features = st.builds(CgmFeature, st.integers(0, 2**24 - 1), NIBBLE, NIBBLE, trailing)


def with_quirk(quirk: Quirk | None) -> st.SearchStrategy[Any]:
    return blood_pressures().filter(lambda value: value.quirk is quirk)


def beurer(frame: bytes) -> Any:
    return decode_blood_pressure(frame, BEURER)


CODECS = (
    Codec(
        "2A35",
        decode_blood_pressure,
        encode_blood_pressure,
        with_quirk(None),
        bytes.fromhex("167c0056006100e807060f11111b33000000"),
    ),
    Codec(
        "2A35-beurer",
        beurer,
        encode_blood_pressure,
        with_quirk(BEURER),
        bytes.fromhex("566a0047000000ea07080b121f00003f000000"),
    ),
    Codec(
        "2A18",
        decode_glucose,
        encode_glucose,
        glucoses(),
        bytes.fromhex("1b0f00e807011e053a1b53016fb0f80000"),
    ),
    Codec(
        "2A34",
        decode_glucose_context,
        encode_glucose_context,
        contexts(),
        bytes.fromhex("ff0400010332f0011284035003e7b06ef0"),
    ),
    Codec(
        "2A36",
        decode_cuff_pressure,
        encode_cuff_pressure,
        cuff_pressures(),
        bytes.fromhex("1e7800ff07ff07e807060f11111b3300010000"),
    ),
    Codec(
        "2B34",
        decode_enhanced_blood_pressure,
        encode_enhanced_blood_pressure,
        enhanced_blood_pressures,
        bytes.fromhex("7e7c0056006100a718002e33000100002789002e"),
    ),
    Codec(
        "2B35",
        decode_enhanced_cuff_pressure,
        encode_enhanced_cuff_pressure,
        enhanced_cuff_pressures,
        bytes.fromhex("7e7c00a718002e33000100002789002e"),
    ),
    Codec("2A9D", decode_weight, encode_weight, weights(), bytes.fromhex("0cb03605f500d606")),
    Codec(
        "2A1C",
        decode_temperature,
        encode_temperature,
        temperatures,
        bytes.fromhex("06720100ffda070c120f000002"),
    ),
    Codec(
        "2A5E",
        decode_spot_check,
        encode_spot_check,
        spot_checks,
        bytes.fromhex("0facf3bef5e8070b1d170839204022000066e3"),
    ),
    Codec(
        "2A5F",
        decode_continuous,
        encode_continuous,
        continuous,
        bytes.fromhex("1fdef3caf3caf35af5d4f3b2f220010000007ae3"),
    ),
    Codec(
        "2A37",
        decode_heart_rate,
        encode_heart_rate,
        heart_rates(),
        bytes.fromhex("1e5a800000080010"),
    ),
    Codec(
        "2AA7",
        decode_cgm_measurement,
        encode_cgm_measurement,
        cgm_measurements,
        bytes.fromhex("06007800050006007a000a00"),
    ),
    Codec(
        "2AA8",
        decode_cgm_feature,
        encode_cgm_feature,
        cgm_features,
        bytes.fromhex("00800159ffff"),
    ),
)
