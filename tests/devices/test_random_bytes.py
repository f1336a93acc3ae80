"""A million frames of nonsense for each codec in `make torture`, a few thousand in `make test`.

Half of them are bytes of any length, half are real frames with some bytes replaced and the end
cut, which get past the first field. The million alone, with its counts:
`make torture ARGS='tests/devices/test_random_bytes.py -n 0 --log-cli-level=INFO'`. A failure names
the frame.
"""

import logging
import random
from collections.abc import Iterator

import pytest
from codec_table import CODECS, Codec
from fix_hypothesis import EXAMPLES
from hypothesis import settings

from yikao_devices.errors import FrameError

LOG = logging.getLogger(__name__)
FRAMES = 5_000
TORTURE_FRAMES = 1_000_000
BYTES_MAX = 40


@pytest.mark.parametrize("codec", CODECS, ids=str)
def test_nonsense_is_decoded_or_refused_and_nothing_else(codec: Codec) -> None:
    count = TORTURE_FRAMES if settings().max_examples > EXAMPLES else FRAMES
    decode = codec.decode
    decoded = refused = 0
    for frame in nonsense(codec.sample, count, random.Random(random.getrandbits(32))):
        try:
            decode(frame)
            decoded += 1
        except FrameError:
            refused += 1
        except Exception as error:
            pytest.fail(f"{codec}: {frame.hex()} raises {error!r}")
    LOG.info("%s: %d decoded, %d refused", codec, decoded, refused)
    assert decoded and refused, "the frames are all alike"


def nonsense(sample: bytes, count: int, draw: random.Random) -> Iterator[bytes]:
    """Yield `count` frames, every second one near `sample`."""
    for number in range(count):
        if number % 2:
            yield draw.randbytes(int(draw.random() * BYTES_MAX))
        else:
            frame = bytearray(sample)
            for _ in range(number % 5):
                frame[int(draw.random() * len(frame))] = draw.getrandbits(8)
            yield bytes(frame[: int(draw.random() * 2 * len(frame)) + 1])
