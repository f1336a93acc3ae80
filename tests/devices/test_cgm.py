"""A glucose sensor's notification: records of their own sizes, some with a check sum."""

from dataclasses import replace

import pytest
from codec_table import cgm_records
from hypothesis import given
from hypothesis import strategies as st

from yikao_devices.cgm import (
    NO_CRC,
    CgmFeature,
    CgmFeatureBit,
    CgmMeasurement,
    CgmRecord,
    decode_cgm_feature,
    decode_cgm_measurement,
    encode_cgm_feature,
    encode_cgm_measurement,
)
from yikao_devices.crc16 import crc16
from yikao_devices.errors import EncodeError, FrameError
from yikao_devices.sfloat import Special

FULL = CgmRecord(120.0, 65, 0x02, 0x08, 0x20, -1.5, 97.0)


def test_the_octets_come_as_the_supplement_orders_them() -> None:
    """Status, calibration and temperature, warning; then trend, then quality."""
    frame = encode_cgm_measurement(CgmMeasurement((FULL,)))
    assert frame.hex(" ") == "0d e3 78 00 41 00 02 08 20 f1 ff 61 00"
    assert decode_cgm_measurement(frame).records == (FULL,)


def test_a_protected_record_counts_its_check_sum_in_its_size() -> None:
    frame = encode_cgm_measurement(CgmMeasurement((replace(FULL, protected=True),)))
    assert frame[0] == len(frame) == 15
    assert int.from_bytes(frame[-2:], "little") == crc16(frame[:-2])
    assert decode_cgm_measurement(frame, e2e_crc=True).records[0].protected


@given(st.lists(cgm_records(), min_size=2, max_size=4), st.data())
def test_a_cut_between_two_records_leaves_the_first(
    records: list[CgmRecord], data: st.DataObject
) -> None:
    frame = encode_cgm_measurement(CgmMeasurement(tuple(records)))
    kept = data.draw(st.integers(1, len(records) - 1))
    whole = encode_cgm_measurement(CgmMeasurement(tuple(records[:kept])))
    assert frame.startswith(whole)
    assert decode_cgm_measurement(whole).records == tuple(records[:kept])
    with pytest.raises(FrameError):
        decode_cgm_measurement(frame[: len(whole) + 1])


@given(cgm_records(), st.data())
def test_a_wrong_bit_in_a_protected_record_never_passes(
    record: CgmRecord, data: st.DataObject
) -> None:
    frame = bytearray(
        encode_cgm_measurement(CgmMeasurement((replace(record, protected=True, trailing=b""),)))
    )
    at = data.draw(st.integers(8, 8 * len(frame) - 1))
    frame[at // 8] ^= 1 << at % 8
    with pytest.raises(FrameError):
        decode_cgm_measurement(bytes(frame), e2e_crc=True)


def test_a_sensor_that_uses_check_sums_cannot_leave_one_out() -> None:
    frame = encode_cgm_measurement(CgmMeasurement((FULL,)))
    with pytest.raises(FrameError, match="no room"):
        decode_cgm_measurement(frame, e2e_crc=True)


def test_a_sensor_without_check_sums_may_have_two_bytes_more() -> None:
    frame = b"\x08" + encode_cgm_measurement(CgmMeasurement((CgmRecord(90.0, 5),)))[1:] + b"ab"
    assert decode_cgm_measurement(frame, e2e_crc=False).records[0].trailing == b"ab"
    with pytest.raises(FrameError, match="check sum"):
        decode_cgm_measurement(frame)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("", "has none"),
        ("00", "inside a record"),
        ("0500780005", "inside a record"),
        ("0600780005", "inside a record"),
        ("068078000500", "flags announce"),
        ("068078000500060078000a00", "no room"),  # its octet would be its neighbour's size
        ("06007800050000", "inside a record"),
    ],
)
def test_a_frame_of_wrong_sizes_is_refused(frame: str, says: str) -> None:
    with pytest.raises(FrameError, match=says) as caught:
        decode_cgm_measurement(bytes.fromhex(frame))
    assert caught.value.frame.hex() == frame


def test_a_sensor_that_is_warming_up_has_no_number() -> None:
    frame = bytes.fromhex("06 00 ff07 0100")
    assert decode_cgm_measurement(frame).records == (CgmRecord(Special.NAN, 1),)


def test_features_tell_whether_check_sums_are_used() -> None:
    plain = CgmFeature(CgmFeatureBit.TREND, 9, 5)
    assert encode_cgm_feature(plain)[-2:] == NO_CRC.to_bytes(2, "little")
    protected = replace(plain, bits=plain.bits | CgmFeatureBit.E2E_CRC)
    frame = encode_cgm_feature(protected)
    assert decode_cgm_feature(frame) == protected
    with pytest.raises(FrameError, match="check sum"):
        decode_cgm_feature(frame[:-1] + bytes((frame[-1] ^ 1,)))
    with pytest.raises(FrameError, match="6 bytes"):
        decode_cgm_feature(frame[:-1])


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ((), "one record"),
        ((replace(FULL, offset_min=70_000),), "no room"),
        ((replace(FULL, trailing=bytes(250)),), "no room"),
        ((replace(FULL, quality=99.955),), "digits"),
    ],
)
def test_what_a_notification_cannot_say(records: tuple[CgmRecord, ...], says: str) -> None:
    with pytest.raises(EncodeError, match=says):
        encode_cgm_measurement(CgmMeasurement(records))
