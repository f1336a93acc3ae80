"""What an operator does about a gateway: invite it, and withdraw it."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg

from yikao_alerts.clock import story_clock
from yikao_devices.claim_code import SECRET_BYTES, ClaimCode, make_code
from yikao_ingest.enrolment.authority import Authority
from yikao_ingest.enrolment.decide import secret_hash
from yikao_ingest.enrolment.store import SQL
from yikao_ingest.errors import ServerError
from yikao_ingest.store import SQL as REGISTRY


@dataclass(frozen=True, slots=True)
class Invited:
    """A code, to be shown once."""

    code: ClaimCode
    expires_at: datetime


def invite(dsn: str, authority: Authority, gateway: str, minutes: int, by: str) -> Invited:
    """Return a new code for a gateway; an older one ends. Only its hash is stored.

    Refuses with `ServerError` a gateway that is not in the registry.
    """
    code = make_code(secrets.token_bytes(SECRET_BYTES), authority.der)
    with psycopg.connect(dsn) as conn:
        now = read_clock(conn)
        expires_at = now + timedelta(minutes=minutes)
        _lock(conn, gateway)
        conn.execute(SQL["end_invites"], {"gateway": gateway, "now": now})
        values = {
            "secret_hash": secret_hash(code.secret),
            "gateway": gateway,
            "now": now,
            "by": by,
            "expires_at": expires_at,
        }
        conn.execute(SQL["invite"], values)
    return Invited(code, expires_at)


def withdraw(dsn: str, gateway: str) -> tuple[bool, int]:
    """Take nothing from this gateway any more; return whether that is new, and of how many
    certificates it is the end.

    Refuses with `ServerError` a gateway that is not in the registry.
    """
    with psycopg.connect(dsn) as conn:
        values = {"gateway": gateway, "now": read_clock(conn)}
        _lock(conn, gateway)
        conn.execute(SQL["end_invites"], values)
        new = conn.execute(SQL["withdraw"], values).rowcount == 1
        count = conn.execute(SQL["withdraw_certificates"], values).rowcount
        conn.execute(REGISTRY["registry_bump"], {"version": str(uuid4())})
    return new, count


def write_list(dsn: str, authority: Authority) -> bool:
    """Have the list of withdrawn certificates say what the database does; True: it did not."""
    with psycopg.connect(dsn) as conn:
        now = read_clock(conn)
        withdrawn: dict[str, datetime] = dict(conn.execute(SQL["withdrawn"], {"now": now}))
    return authority.write_withdrawn(withdrawn, now)


def read_clock(conn: psycopg.Connection) -> datetime:
    """Return the time, by the database's clock."""
    row = conn.execute(REGISTRY["read_clock"]).fetchone()
    assert row is not None, "a clock always answers"
    return story_clock().at(row[0].timestamp())


def _lock(conn: psycopg.Connection, gateway: str) -> None:
    if conn.execute(SQL["standing_locked"], {"gateway": gateway}).fetchone() is None:
        remedy = "write it under [[gateways]], id and tenant, and run `yikao registry apply`"
        raise ServerError(f"{gateway} is not in the registry", remedy)
