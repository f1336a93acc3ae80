"""`yikao migrate`, `check` and `registry`, as seen from a terminal."""

import getpass
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.clock import story_clock
from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_alerts.feed.users import hash_password
from yikao_alerts.rules import load_rules
from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.cli_database import away, database_errors, database_url
from yikao_ingest.errors import ServerError
from yikao_ingest.migrate import MigrationError, schema_current
from yikao_ingest.migrate import migrate as apply_migrations
from yikao_ingest.registry import Registry, parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import (
    BROKER_URL,
    DATABASE_URL,
    MEANINGS,
    SMTP_URL,
    broker_address,
    channels,
)
from yikao_ingest.settings_channels import channels_of_file

CONNECT_TIMEOUT_S = 3


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


def registry(file: Path, data: Path | None, *, store: bool) -> int:
    """Check a registry file and, with `store`, put it into the database."""
    parsed = read_registry(file)
    if not store:
        print(f"{file}: no fault  未发现错误")
        return 0
    with database_errors():
        counts = apply_registry(database_url(data), parsed)
    print(", ".join(f"{count} {table}" for table, count in counts.items()))
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


def check(data: Path | None) -> int:
    """Look at each part and say what is wrong; exit code 1 when anything is."""
    parts: tuple[tuple[str, Callable[[], str]], ...] = (
        ("rules", lambda: f"{len(load_rules().rules)} rules, digest {load_rules().digest}"),
        ("database", lambda: _check_database(database_url(data))),
        ("broker", _check_broker),
        ("channels", _check_channels),
    )
    broken = 0
    for name, look in parts:
        try:
            print(f"ok      {name}: {look()}")
        except (ServerError, FaultyFileError) as error:
            broken += 1
            print(f"BROKEN  {name}: {error}")
    print("\nsettings:")
    for variable, meaning in MEANINGS.items():
        print(f"  {variable} = {_shown(variable)}   {meaning}")
    return 1 if broken else 0


def _check_database(url: str) -> str:
    with database_errors(), psycopg.connect(url, connect_timeout=CONNECT_TIMEOUT_S) as conn:
        if not schema_current(conn):
            raise ServerError("the schema is not this version's", "run `yikao migrate`")
        row = conn.execute("SELECT count(*) FROM resident").fetchone()
        if row is None or row[0] == 0:
            raise ServerError("no residents", "run `yikao registry apply FILE`")
        return f"{row[0]} residents"


def _check_broker() -> str:
    url = os.environ.get(BROKER_URL)
    if not url:
        return "embedded, with `yikao serve`"
    host, port = broker_address(url)
    try:
        socket.create_connection((host, port), CONNECT_TIMEOUT_S).close()
    except OSError as error:
        remedy = f"start it, or mend {BROKER_URL}"
        raise ServerError(f"nobody answers at {host}:{port}", remedy) from error
    return "answers"


def _check_channels() -> str:
    if os.environ.get(LINK_SECRET_FILE):
        found = list(channels(os.environ))
        with_secrets = ""
    else:
        found = ["console", "webhook", *channels_of_file(os.environ, b"")]
        with_secrets = " with the secrets of `yikao serve`"
    unset = [name for name in KIND_OF if name not in (*found, "sink")]
    return f"{', '.join(found)}{with_secrets}; not set up: {', '.join(unset) or 'none'}"


def _shown(variable: str) -> str:
    """Return a setting without what is secret in it."""
    value = os.environ.get(variable)
    if not value:
        return "(not set)"
    if variable in (DATABASE_URL, BROKER_URL, SMTP_URL) and "@" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://…@{rest.rpartition('@')[2]}"
    return value
