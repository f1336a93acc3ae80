"""The check sum at the end of frames that protect themselves: the E2E-CRC.

CRC-16 with x^16 + x^12 + x^5 + 1, begun with 0xFFFF, lowest bit first, nothing added at the end;
the catalogues call it CRC-16/MCRF4XX. Python's own `crc_hqx` computes the same sum highest bit
first, so the bits are mirrored on the way in and on the way out.

Source: Bluetooth SIG, Continuous Glucose Monitoring Service 1.0.2 (E2E-CRC); check value: catalogue
of parametrised CRC algorithms, reveng.sourceforge.io/crc-catalogue/16.htm.
"""

from binascii import crc_hqx
from typing import Final

CRC_BYTES: Final = 2
_SEED: Final = 0xFFFF
_MIRRORED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def crc16(covered: bytes) -> int:
    """Return the sum over `covered`, 0 to 0xFFFF; it is sent low byte first."""
    mirrored = crc_hqx(covered.translate(_MIRRORED), _SEED)
    return _MIRRORED[mirrored & 0xFF] << 8 | _MIRRORED[mirrored >> 8]
