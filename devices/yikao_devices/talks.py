"""Which conversation to hold with which model."""

from yikao_devices import gatt
from yikao_devices.conversation import Talk
from yikao_devices.cuff_talk import read_cuff, read_stored
from yikao_devices.meter_talk import read_meter
from yikao_devices.model import Conversation, Model
from yikao_devices.stream_talk import read_oximeter, read_strap
from yikao_devices.vendors import DIALECTS


def talk_with(
    model: Model, present: frozenset[int], known: bool = False, next_seq: int | None = None
) -> Talk:
    """Return the conversation that empties a device of this model.

    present: the characteristics it has. known: its names were read before. next_seq: of a meter,
    the first record number that is not stored yet; None asks for everything.
    """
    match model.conversation:
        case Conversation.CUFF:
            return read_cuff(model, present, known)
        case Conversation.METER:
            return read_meter(model, present, known, next_seq)
        case Conversation.SCALE:
            return read_stored(model, present, known, gatt.WEIGHT_MEASUREMENT)
        case Conversation.THERMOMETER:
            return read_stored(model, present, known, gatt.TEMPERATURE_MEASUREMENT)
        case Conversation.OXIMETER:
            return read_oximeter(model, present, known)
        case Conversation.STRAP:
            return read_strap(model, present, known)
        case own:
            return DIALECTS[own].talk(model, present, known)
