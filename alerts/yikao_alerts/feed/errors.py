"""What can go wrong in the feed, and what to do about it."""


class FeedError(Exception):
    """The feed cannot start as it is set up; the operator must act. `remedy` says how."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what = what
        self.remedy = remedy


class DatabaseAwayError(Exception):
    """The database does not answer: pages say so, and never that there are no alerts."""


class UnknownDoctorError(Exception):
    """Somebody signed in whom the registry does not know; the operator must add the doctor."""
