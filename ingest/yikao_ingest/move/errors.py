"""Why a database is not moved, each with what to do."""

from yikao_ingest.errors import ServerError


class MoveError(ServerError):
    """The move does not begin, or does not end; what was copied so far stays for the next try."""
