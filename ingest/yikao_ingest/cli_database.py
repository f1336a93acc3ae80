"""What the commands that speak to the database share: which, and what is said when it is away."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg

from yikao_ingest.errors import ServerError
from yikao_ingest.settings import DATABASE_URL, default_data_dir


def database_url(data: Path | None) -> str:
    """Return the database to speak to: the one that is set, else that of a running `serve`."""
    if url := os.environ.get(DATABASE_URL):
        return url
    run = (data or default_data_dir(os.environ)) / "pg" / "run"
    if not run.is_dir():
        raise ServerError(
            f"no database: {DATABASE_URL} is not set and nothing runs in {run.parent.parent}",
            "start `yikao serve` first, or set it",
        )
    return f"host={run.absolute()} port=5432 user=yikao dbname=yikao"


@contextlib.contextmanager
def database_errors() -> Iterator[None]:
    """Tell what the operator can mend in one sentence."""
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise ServerError("the database has no schema of ours", "run `yikao migrate`") from error
    except psycopg.OperationalError as error:
        raise away(error) from error


def away(error: psycopg.OperationalError) -> ServerError:
    """Return what is said when the database does not answer."""
    reason = str(error).partition("\n")[0]
    remedy = f"start it, or mend {DATABASE_URL}"
    return ServerError(f"the database does not answer, {reason}", remedy)
