"""What can go wrong in the simulator, told to the person who started it."""


class SimError(Exception):
    """The family: the message says what to change."""


class ListenError(SimError):
    """An address to listen on cannot be used."""


class CsvError(SimError):
    """A file of readings has faults; `faults` lists each with its line number."""

    def __init__(self, path: str, faults: list[str]) -> None:
        super().__init__("\n".join([f"{path}: {len(faults)} faults", *faults]))
        self.faults = faults
