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
