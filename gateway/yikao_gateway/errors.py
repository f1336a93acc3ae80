"""What goes wrong in the gateway outside the radio, and who has to do something about it."""


class StorageError(Exception):
    """The outbox cannot be read or written; the operator must act before anything more is read.

    A device may delete what it has sent, so a gateway that cannot store must not listen.
    """


class StorageFull(StorageError):  # noqa: N818  the name says what is the case
    """The disk takes nothing more for now; devices keep their records until it does again."""


class BrokerUnreachable(Exception):  # noqa: N818  the name says what is the case
    """The broker did not take our connection; the network's keeper or the operator must act."""


class PageUnavailable(Exception):  # noqa: N818  the name says what is the case
    """The page at home cannot be served where the settings say; the operator must act."""


class KeyFileError(Exception):
    """The gateway's signing key cannot be made or read; the operator must act."""


class ServerUnreachable(Exception):  # noqa: N818  the name says what is the case
    """The server that gives certificates does not answer, or cannot prove who it is."""


class EnrolmentError(Exception):
    """An enrolment cannot be used as it is; whoever installs has to enrol again."""


class EnrolmentRefused(Exception):  # noqa: N818  the name says what is the case
    """The server gives no certificate; `code` says why, the text what to do, in both languages."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{en}  {zh}")
        self.code = code
