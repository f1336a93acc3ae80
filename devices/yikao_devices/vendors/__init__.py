"""The protocols of vendors that do not speak the standard, a file for each."""

from typing import Final

from yikao_devices.dialect import Dialect
from yikao_devices.model import Conversation
from yikao_devices.vendors import microlife, yonker

DIALECTS: Final[dict[Conversation, Dialect]] = {
    Conversation.MICROLIFE: microlife.DIALECT,
    Conversation.YONKER: yonker.DIALECT,
}
