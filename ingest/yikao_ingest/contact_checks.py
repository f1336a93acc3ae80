"""Test messages by which a doctor proves that a contact is really theirs, and rings."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from uuid import uuid4

from psycopg import AsyncConnection

from yikao_alerts.feed.settings import LINK_SECRET_FILE
from yikao_alerts.feed.words import load_words
from yikao_alerts.links import PageLink, make_link
from yikao_alerts.notices import CHECK, Notice, add, contacts_of
from yikao_alerts.rota.names import Person
from yikao_ingest.settings import default_data_dir, linking


async def ask_to_confirm(
    conn: AsyncConnection,
    doctor: Person,
    now: datetime,
    environ: Mapping[str, str],
    data: Path | None,
) -> list[str]:
    """Have the pager send a test message to each contact of a doctor; return their channels.

    The link in each confirms that contact alone, within a day.
    """
    own_secret = (data or default_data_dir(environ)) / "secrets" / "link.key"
    links = linking({LINK_SECRET_FILE: str(own_secret), **environ})
    body = load_words(doctor.language)("oncall.notice.check", doctor=doctor.name)
    notices = []
    for contact in await contacts_of(conn, doctor.doctor_id):
        number = uuid4()
        token = make_link(links.secret, PageLink(number, doctor.doctor_id), now)
        link = f"{links.public_url}/p/check/{token}"
        notices.append(
            Notice(number, CHECK, doctor.doctor_id, contact, doctor.language, body, link)
        )
    await add(conn, notices, now)
    return [notice.contact.channel for notice in notices]
