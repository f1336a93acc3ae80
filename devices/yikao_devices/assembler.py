"""Puts what a device notifies together into items: decodes each frame, waits for its context.

A meter sends a result and, in a second notification, its context (meal, exercise). The result is
held until its context comes or the conversation ends. The assembler does no I/O; whoever feeds it
keeps the frames that are still held, so that a crash in between loses none.
"""

from dataclasses import dataclass, field

from yikao_devices import gatt
from yikao_devices.blood_pressure import decode_blood_pressure
from yikao_devices.errors import FrameError
from yikao_devices.glucose import Glucose, decode_glucose
from yikao_devices.glucose_context import GlucoseContext, decode_glucose_context
from yikao_devices.models import Model
from yikao_devices.readings import Origin, blood_pressure_item, glucose_item, refused_item
from yikao_devices.wire import Item

MEASUREMENTS = frozenset(
    {
        gatt.BLOOD_PRESSURE_MEASUREMENT,
        gatt.GLUCOSE_MEASUREMENT,
        gatt.GLUCOSE_MEASUREMENT_CONTEXT,
    }
)
"""Characteristics whose notifications hold measurements; others belong to the conversation."""


@dataclass(slots=True)
class Assembler:
    """State of one connection: the result that still waits for its context."""

    model: Model
    _held: tuple[Glucose, bytes, Origin] | None = field(default=None)

    @property
    def holding(self) -> bool:
        """Whether a result waits for its context."""
        return self._held is not None

    def feed(self, characteristic: int, frame: bytes, origin: Origin) -> list[Item]:
        """Return the items that `frame` completes: usually one, sometimes none or two.

        A frame that cannot be decoded becomes a `RefusedFrame`; nothing raises.
        """
        try:
            match characteristic:
                case gatt.BLOOD_PRESSURE_MEASUREMENT:
                    value = decode_blood_pressure(frame, self.model.quirk)
                    return [blood_pressure_item(value, frame, origin)]
                case gatt.GLUCOSE_MEASUREMENT:
                    return self._glucose(decode_glucose(frame), frame, origin)
                case gatt.GLUCOSE_MEASUREMENT_CONTEXT:
                    return self._context(decode_glucose_context(frame))
                case _:
                    raise FrameError("no measurement is known under this characteristic", frame)
        except FrameError as error:
            return [refused_item(error, characteristic, origin)]

    def finish(self) -> list[Item]:
        """Return what is still held; its context never came."""
        return self._release(None)

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
