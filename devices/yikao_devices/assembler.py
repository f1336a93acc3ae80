"""Puts what a device notifies together into items: decodes each frame, waits for its context.

A meter sends a result and, in a second notification, its context (meal, exercise). The result is
held until its context comes or the conversation ends; so are the pieces of a vendor's own frames.
Streams come to one reading a minute. The assembler does no I/O; whoever feeds it keeps the frames
that are still held, so that a crash in between loses none.
"""

from dataclasses import dataclass, field
from typing import Final

from yikao_devices import gatt
from yikao_devices.dialect import Records
from yikao_devices.errors import FrameError
from yikao_devices.glucose import Glucose, decode_glucose
from yikao_devices.glucose_context import GlucoseContext, decode_glucose_context
from yikao_devices.items import RECORDS, item_of
from yikao_devices.items_blood_pressure import blood_pressure_item
from yikao_devices.items_glucose import glucose_item
from yikao_devices.model import Model
from yikao_devices.readings import Origin, refused_item
from yikao_devices.streams import STREAMS, Streams
from yikao_devices.vendors import DIALECTS
from yikao_devices.wire import Item

MEASUREMENTS: Final = (
    RECORDS | STREAMS | {gatt.GLUCOSE_MEASUREMENT, gatt.GLUCOSE_MEASUREMENT_CONTEXT}
)
"""Characteristics whose notifications hold measurements; others belong to the conversation."""


FRAME_BYTES_MAX: Final = 512
"""No attribute is longer; refused bytes that were put together travel in so many at a time.
Source: Bluetooth Core Specification, Vol 3, Part F, 3.2.9."""


def measurements_of(model: Model) -> frozenset[int]:
    """Return the characteristics whose notifications hold measurements of this model."""
    own = DIALECTS.get(model.conversation)
    return MEASUREMENTS if own is None else MEASUREMENTS | own.measurements


@dataclass(slots=True)
class Assembler:
    """State of one connection: the result that waits for its context, the frame for its rest, and
    the minute of a stream for its end."""

    model: Model
    _held: tuple[Glucose, bytes, Origin] | None = field(default=None)
    _own: frozenset[int] = field(init=False)
    _records: Records | None = field(init=False)
    _last: tuple[int, Origin] | None = field(default=None, init=False)
    _streams: Streams = field(default_factory=Streams, init=False)

    def __post_init__(self) -> None:
        dialect = DIALECTS.get(self.model.conversation)
        self._own = dialect.measurements if dialect else frozenset()
        self._records = dialect.records() if dialect else None

    @property
    def holding(self) -> bool:
        """Whether a result waits for its context, or a piece for the rest of its frame."""
        return self._held is not None or bool(self._records and self._records.rest)

    @property
    def unfinished(self) -> bool:
        """Whether `finish` may have something to return: what is held, or a minute of a stream."""
        return self.holding or self._streams.running

    def feed(self, characteristic: int, frame: bytes, origin: Origin) -> list[Item]:
        """Return the items that `frame` completes: usually one, sometimes none or two.

        A frame that cannot be decoded becomes a `RefusedFrame`; nothing raises.
        """
        if self._records is not None and characteristic in self._own:
            return self._of_vendor(self._records, characteristic, frame, origin)
        try:
            if characteristic in STREAMS:
                return self._streams.feed(characteristic, frame, origin)
            match characteristic:
                case gatt.GLUCOSE_MEASUREMENT:
                    return self._glucose(decode_glucose(frame), frame, origin)
                case gatt.GLUCOSE_MEASUREMENT_CONTEXT:
                    return self._context(decode_glucose_context(frame))
                case _:
                    return [item_of(characteristic, frame, origin, self.model.quirk)]
        except FrameError as error:
            return [refused_item(error, characteristic, origin)]

    def finish(self) -> list[Item]:
        """Return what is still held, whose context, or rest, never came, and begun minutes."""
        items = self._release(None) + self._streams.finish()
        if self._records is not None and self._last is not None and self._records.rest:
            error = FrameError("ends before the length that its head announces", self._records.rest)
            items += _refused(error, *self._last)
        return items

    def _of_vendor(
        self, records: Records, characteristic: int, frame: bytes, origin: Origin
    ) -> list[Item]:
        self._last = (characteristic, origin)
        try:
            found = records.feed(frame)
        except FrameError as error:
            return _refused(error, characteristic, origin)
        return [blood_pressure_item(value, record, origin) for value, record in found]

    def _glucose(self, value: Glucose, frame: bytes, origin: Origin) -> list[Item]:
        done = self._release(None)
        self._held = (value, frame, origin)
        return done if value.context_follows else done + self._release(None)

    def _context(self, context: GlucoseContext) -> list[Item]:
        """Join a context to its result; one that comes alone says nothing about anybody."""
        if self._held is None or self._held[0].seq != context.seq:
            return []
        return self._release(context)

    def _release(self, context: GlucoseContext | None) -> list[Item]:
        if self._held is None:
            return []
        value, frame, origin = self._held
        self._held = None
        try:
            return [glucose_item(value, context, frame, origin)]
        except FrameError as error:
            return [refused_item(error, gatt.GLUCOSE_MEASUREMENT, origin)]


def _refused(error: FrameError, characteristic: int, origin: Origin) -> list[Item]:
    """Return the refused bytes, in as many items as they need to travel."""
    pieces = range(0, len(error.frame), FRAME_BYTES_MAX)
    return [
        refused_item(
            FrameError(error.reason, error.frame[at : at + FRAME_BYTES_MAX]),
            characteristic,
            origin,
        )
        for at in pieces
    ]
