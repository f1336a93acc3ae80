"""A message about several residents: its link shows the others, each by a link of its own."""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from fix_feed import Town

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def doctor(feed_url: str) -> Iterator[httpx.Client]:
    """A telephone's browser, with no login."""
    with httpx.Client(base_url=feed_url, headers=OWN) as client:
        yield client


def test_the_link_of_a_message_leads_to_each_of_its_pages_and_to_no_other(
    town: Town, doctor: httpx.Client
) -> None:
    codes = ("r-01", "r-02", "r-03")
    for code, name in zip(codes, ("张秀英", "李建国", "陈桂芳"), strict=True):
        town.resident(code, name)
    first, second, other = (town.red(code) for code in codes)
    town.run(
        "UPDATE page SET message_id = %(message)s WHERE episode_id IN (%(one)s, %(two)s)",
        message=str(uuid4()),
        one=first,
        two=second,
    )
    shown = doctor.get(town.link_of(first)).text
    assert "李**" in shown
    assert town.link_of(second) in shown
    assert town.link_of(other) not in shown
    assert "李建国" not in shown
    # Each is answered by itself.
    doctor.post(town.link_of(second), data={"disposition": "called"})
    states = town.run("SELECT state FROM episode ORDER BY episode_id")
    assert [row[0] for row in states] == ["open", "answered", "open"]


def test_that_a_link_was_opened_is_kept_once(town: Town, doctor: httpx.Client) -> None:
    town.resident("r-01", "张秀英")
    link = town.link_of(town.red("r-01"))
    read = "SELECT read_at, state FROM page"
    ((never, state),) = town.run(read)
    doctor.get(link)
    ((at, state_then),) = town.run(read)
    doctor.get(link)
    assert never is None
    assert at is not None
    assert state_then == state
    assert town.run(read) == [(at, state)]
