"""What goes wrong in the kernel, and whose affair it is."""

from typing import Final

ENDS_EARLY: Final = "ends before the fields that its flags announce"
"""What a decoder says of a frame that was cut short."""


class FrameError(ValueError):
    """A frame that cannot be what its characteristic promises; the device's owner must be told.

    `frame` keeps the bytes, so that they travel on to quarantine and nothing is lost.
    """

    def __init__(self, reason: str, frame: bytes) -> None:
        super().__init__(reason)
        self.reason = reason
        self.frame = frame


class EncodeError(ValueError):
    """A value that the wire format cannot carry; whoever made the value is wrong."""
