"""What can go wrong on the radio, and who has to do something about it.

Every class answers one question a nurse or a technician asks: do I press a button on the device,
look at the gateway, or simply wait for the next measurement?
"""

# ruff: noqa: N818 - a name that says what happened ("the device is gone") needs no suffix.


class RadioSpecError(ValueError):
    """The setting `radio` names no transport we know; the operator must correct it."""


class RadioError(Exception):
    """The family: something on the radio failed; nothing that was stored is affected."""


class RadioUnavailable(RadioError):
    """The gateway has no working Bluetooth; the operator must follow `remedy`."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}: {remedy}")
        self.remedy = remedy


class DeviceError(RadioError):
    """One device could not be used; `address` says which."""

    def __init__(self, address: str, message: str) -> None:
        super().__init__(f"{address}: {message}")
        self.address = address


class DeviceGone(DeviceError):
    """The device is not there any more. Nobody acts: its next advertisement is the retry."""


class DeviceBusy(DeviceError):
    """The device or the controller is in another session. Nobody acts: the next one retries."""


class DeadlinePassed(DeviceError):
    """The session was not ready in time. Nobody acts unless it happens at every measurement."""

    def __init__(self, address: str, deadline_s: float) -> None:
        super().__init__(
            address,
            f"not ready within {deadline_s:g} s: switched off, out of reach, or it waits for "
            "somebody to confirm the pairing",
        )
        self.deadline_s = deadline_s


class StaleBond(DeviceError):
    """The device has forgotten its bond with this gateway; a person must pair it again.

    The bond is never removed automatically: that would let any device that takes over an address
    pair itself.
    """

    def __init__(self, address: str) -> None:
        super().__init__(
            address,
            "its bond with this gateway is gone on the device: put the device into pairing mode, "
            "forget it here and pair again",
        )


class WrongPasskey(DeviceError):
    """The passkey entered is not the one on the device's display; a person must correct it."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "wrong passkey: enter the six digits the device shows and retry")


class PasskeyNeeded(DeviceError):
    """The device pairs only with a passkey and none was given; a person must enter it."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "needs a passkey: enter the six digits the device shows")


class PairingClosed(DeviceError):
    """The device gives nothing without a bond, and no person has allowed one."""

    def __init__(self, address: str) -> None:
        super().__init__(
            address, "wants to be paired: open pairing mode, or list it in the settings"
        )


class PairingRefused(DeviceError):
    """The device declined to pair; a person must put it into pairing mode."""


class ProtocolError(DeviceError):
    """The device answered a request with an ATT error; the programmer or the model's profile.

    `att_code` is the error of the Attribute Protocol, for example 0xFD (client characteristic
    configuration improper) or 0xFE (procedure already in progress).
    Source: Bluetooth Core Specification, Vol 3, Part F, 3.4.1.1; Core Supplement, Part B, 1.2.
    """

    def __init__(self, address: str, att_code: int, message: str = "") -> None:
        super().__init__(address, f"ATT error 0x{att_code:02X} {message}".rstrip())
        self.att_code = att_code


class NoSuchCharacteristic(DeviceError):
    """The device does not offer the characteristic asked for; the programmer or the profile."""

    def __init__(self, address: str, char: int) -> None:
        super().__init__(address, f"has no characteristic 0x{char:04X}")
        self.char = char
