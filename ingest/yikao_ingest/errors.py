"""What an operator has to mend, told in one sentence that ends with the remedy."""


class ServerError(Exception):
    """The server cannot do what it was asked; `str()` says why and what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message}: {remedy}")
        self.message = message
        self.remedy = remedy
