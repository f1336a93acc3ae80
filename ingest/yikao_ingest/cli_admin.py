"""`yikao migrate`, the registry file and the users file, as seen from a terminal."""

import getpass
import time
from pathlib import Path

import psycopg

from yikao_alerts.clock import story_clock
from yikao_alerts.feed.users import hash_password
from yikao_ingest.cli_database import away, database_url
from yikao_ingest.errors import ServerError
from yikao_ingest.migrate import MigrationError
from yikao_ingest.migrate import migrate as apply_migrations
from yikao_ingest.registry import Registry, parse_registry
from yikao_ingest.settings import DATABASE_URL


def migrate(data: Path | None) -> int:
    """Bring the schema up to date."""
    try:
        applied = apply_migrations(database_url(data), story_clock().at(time.time()))
    except MigrationError as error:
        raise ServerError("the schema stays as it is", str(error)) from error
    except psycopg.OperationalError as error:
        raise away(error) from error
    except psycopg.Error as error:
        reason = str(error).partition("\n")[0]
        remedy = f"give the user of {DATABASE_URL} the right to make schemas and extensions"
        raise ServerError(f"the schema stays as it is, {reason}", remedy) from error
    for name in applied:
        print(f"applied {name}")
    print("schema is up to date  数据库结构已是最新")
    return 0


def read_registry(file: Path) -> Registry:
    """Return the registry in `file`."""
    try:
        text = file.read_text("utf-8")
    except OSError as error:
        raise ServerError(f"{file} cannot be read, {error.strerror}", "name the file") from error
    except UnicodeDecodeError as error:
        raise ServerError(f"{file} is no UTF-8", "save it in that encoding") from error
    return parse_registry(text, str(file))


def add_user(doctor_id: str) -> int:
    """Ask for a password and print the doctor's line for the feed's users file."""
    password = getpass.getpass(f"{doctor_id} 的密码 password of {doctor_id}: ")
    if not password or password != getpass.getpass("再输一次 once more: "):
        raise ServerError("the two passwords are empty or not the same", "try again")
    print(f"{doctor_id}:{hash_password(password)}")
    return 0
