"""From a reading to the providers' inboxes: no message and no log line gives a resident away, by
any channel, in either language, alone or with others, unless the centre says so.
"""

import asyncio
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from fix_watch import Watch
from leaks import Canaries, all_leaks

from yikao_alerts import sms_parts
from yikao_alerts.channels.channel import OutgoingPage
from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.channels.outcome import Delivered, Outcome, Permanent
from yikao_alerts.channels.smtp import mail_of
from yikao_alerts.pager import Pager
from yikao_alerts.working import connect
from yikao_devices.log_lines import JsonLines

PRESSURE, GLUCOSE = (213.25, 127.75), 2.71875
CHANCE = re.compile(r'"(t|page_id|message_id)": "[^"]*"')
PHONE = "13800138042"
CANARIES = Canaries(
    names=("赵奶奶", "钱爷爷"),
    numbers=(PHONE, "110101194607079998"),
    values=("213.25", "127.75", "2.71875", "213/128", "2.7"),
)
HOME = "UPDATE resident SET phone = '13800138042', address = '幸福路 110101194607079998 号'"


@dataclass(slots=True)
class Inbox:
    """What a provider of some channel holds; the first page of each doctor it refuses."""

    kind: str
    texts: list[str] = field(default_factory=list)
    refusing: bool = False

    async def send(self, page: OutgoingPage) -> Outcome:
        if self.refusing:
            return Permanent("no such number")
        mail = mail_of(page, "pager@hospital.test") if self.kind == "mail" else None
        self.texts.append(mail.as_string() if mail else f"{page.body}{page.link}")
        if mail:
            self.texts.append(page.body)
        return Delivered("taken")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that anybody logs, at any level."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(stream), root.level
    handler.setFormatter(JsonLines())
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def contacts(channel: str) -> list[tuple[str, str]]:
    """Two contacts: one that refuses, so that each page is worded anew, and the channel's own."""
    addresses = {"push": "https://push.test/x", "mail": "desk@hospital.test", "terminal": "desk"}
    own = addresses.get(KIND_OF[channel], "+8613900000001")
    return [("smtp", "nobody@hospital.test"), (channel, own)]


def said(log: io.StringIO) -> list[str]:
    """Return the lines of a log without their times and the pages' random ids: among all those
    digits some are a number's by chance."""
    return [CHANCE.sub("", line) for line in log.getvalue().splitlines()]


def night(watch: Watch, channel: str) -> Inbox:
    """Let both residents be in trouble for half an hour, with doctors on one channel."""
    watch.clinic.register(contacts=[("webhook", "https://push.test/y")])
    rows = [(doctor, *each) for doctor in ("wang", "li") for each in enumerate(contacts(channel))]
    watch.clinic.rows("DELETE FROM contact")
    for doctor, position, (name, address) in rows:
        watch.clinic.rows(
            "INSERT INTO contact (doctor_id, position, channel, address) VALUES (%s, %s, %s, %s)",
            *(doctor, position, name, address),
        )
    watch.clinic.rows(HOME)
    inbox, refusing = Inbox(KIND_OF[channel]), Inbox("mail", refusing=True)
    pager = Pager({"smtp": refusing, channel: inbox}, now=watch.clock)
    watch.measures(*PRESSURE)
    watch.pricks(GLUCOSE)

    async def minutes() -> None:
        async with await connect(watch.clinic.dsn) as connection:
            for minute in range(0, 32, 2):
                watch.until(minute)
                while await watch.evaluator.cycle(connection):
                    pass
                for _ in range(3):
                    await pager.cycle(connection)
                    await pager.finish()

    asyncio.run(minutes())
    return inbox


@pytest.mark.parametrize("channel", [c for c, kind in KIND_OF.items() if kind != "mail"])
def test_nothing_that_any_channel_sends_gives_anybody_away(
    watch: Watch, log: io.StringIO, channel: str
) -> None:
    inbox = night(watch, channel)
    assert len(inbox.texts) >= 4
    assert all_leaks(inbox.texts, CANARIES) == []
    assert all_leaks(said(log), CANARIES) == []
    if KIND_OF[channel] == "sms":
        assert all(sms_parts.parts(text) == 1 for text in inbox.texts)
    stored = [str(row) for row in watch.clinic.rows("SELECT body, link, facts FROM page")]
    assert all_leaks(stored, CANARIES) == []


def test_a_centre_that_allows_values_has_them(watch: Watch) -> None:
    watch.clinic.rows(
        "INSERT INTO centre (centre_id, name, zone, duty_desk_id, page_privacy)"
        " VALUES ('c', 'c', 'Asia/Shanghai', 'li', 'values')"
    )
    watch.clinic.rows("UPDATE team SET centre_id = 'c'")
    watch.measures(*PRESSURE)
    watch.decides()
    ((body,),) = watch.clinic.rows("SELECT body FROM page")
    assert "（赵**） 213.25/127.75 mmHg" in body
