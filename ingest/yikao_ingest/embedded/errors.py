"""What can go wrong with the embedded servers; each error says what the operator can do."""


class EmbeddedError(Exception):
    """An embedded server that cannot serve; `str()` is one sentence that ends with the remedy.

    `message` says what is wrong, `remedy` what to do. `detail` holds the end of the server's own
    log where there is one; it follows the sentence on lines of its own.
    """

    def __init__(self, message: str, remedy: str, detail: str = "") -> None:
        super().__init__(message, remedy, detail)
        self.message = message
        self.remedy = remedy
        self.detail = detail

    def __str__(self) -> str:
        sentence = f"{self.message}: {self.remedy}"
        return f"{sentence}\n{self.detail}" if self.detail else sentence


class FolderInUseError(EmbeddedError):
    """Another process holds the folder."""


class NoServerError(EmbeddedError):
    """The program is not on this machine, or not where the operator said it is."""


class WrongMajorError(EmbeddedError):
    """The data was written by another major version of PostgreSQL than those found."""


class NotADatabaseError(EmbeddedError):
    """The data folder holds files that are not a database of ours."""


class IdentityError(EmbeddedError):
    """PostgreSQL refuses to run as this operating system user."""


class SocketPathError(EmbeddedError):
    """The folder's path is too long for a Unix socket in it."""


class PortError(EmbeddedError):
    """The broker cannot listen on the port it was given."""


class NotLoopbackError(EmbeddedError):
    """The embedded broker was asked to serve the network; it knows no passwords and must not."""


class StartError(EmbeddedError):
    """The server was started and did not become ready in time."""
