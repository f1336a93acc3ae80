"""What users of other pagers have suffered, one story for each: here it does not happen.

From the reading to the provider, on a real database whose clock the story moves by hand. Public
threads that tell of each are named beside it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest
from clinic import NOW, event
from fix_watch import SECRET, Watch
from night import CONTACTS, DUTY, Mood, Night

from yikao_alerts.answer import acknowledge
from yikao_alerts.channels.dingtalk import DingTalk
from yikao_alerts.channels.http import Http
from yikao_devices.symptoms import CALL_ME
from yikao_sim.providers.door import Door
from yikao_sim.providers.faults import Mischief, parse_fault
from yikao_sim.providers.provider import Setup
from yikao_sim.providers.registry import PROVIDERS
from yikao_sim.providers.server import serving

OWN, DUTY_DOCTOR = "wang", "li"
HOUR = 60
DAY = 24 * HOUR


@pytest.fixture
def night(watch: Watch) -> Iterator[Night]:
    """A night on which the signed doctor and the one on duty have two contacts each."""
    watch.clinic.register(contacts=CONTACTS, duty_contacts=DUTY)
    night = Night(watch)
    yield night
    night.close()


def crisis(night: Night) -> None:
    """One reading at 214/126: somebody is called at once."""
    night.watch.measures(214, 126)
    night.works()


def call(night: Night) -> None:
    """Somebody presses the button: no reading is awaited, and none will end it."""
    item = event(CALL_ME, at=night.watch.now)
    night.watch.arrives(msgspec.structs.replace(item, reading_id=uuid4()))
    night.works()


def states(night: Night) -> Counter[str]:
    return Counter(row[0] for row in night.rows("SELECT state FROM page"))


def test_two_pagers_at_work_ring_each_page_once(night: Night) -> None:
    """alertmanager 1005, 1718, 2222, 3865, 4108, 4152: each of two sends its own."""
    other_connection, other = night.run(night.new_pager())
    night.watch.measures(214, 126)
    night.watch.decides()

    async def both() -> None:
        pagers = ((night.pager, night.paging), (other, other_connection))
        for _ in range(3):
            await asyncio.gather(*(pager.cycle(connection) for pager, connection in pagers))
            await asyncio.gather(*(pager.finish() for pager, _ in pagers))

    for _ in range(30):
        night.run(both())
        night.watch.now += timedelta(minutes=1)
        night.watch.decides()
    attempts = Counter(page.page_id for _, page in (*night.first.rung, *night.second.rung))
    assert len(attempts) > 3
    assert set(attempts.values()) == {1}
    night.run(other_connection.close())


def test_an_answer_without_a_word_is_called_for_again(night: Night) -> None:
    """karma 6314, goalert 1919, oncall 4062: taken half asleep, and forgotten."""
    call(night)
    night.passes(1)
    take(night, OWN)
    night.passes(29)
    assert night.rings(OWN) == [0]
    night.passes(3)
    assert [at for at in night.rings(OWN) if at > 1], "half an hour later it is called for anew"


def take(night: Night, doctor: str) -> None:
    night.watch.with_connection(
        lambda conn: acknowledge(
            conn,
            now=night.watch.now,
            episode_id=night.watch.episode_id,
            doctor_id=doctor,
            disposition=None,
        )
    )
    night.works()


def test_nobody_is_rung_after_the_answer(night: Night) -> None:
    """oncall 4654, 4760: what was waiting for its retry when the answer came rings all the same."""
    night.first.mood = night.second.mood = Mood.BUSY
    call(night)
    night.passes(6)
    assert night.rings(OWN) == []
    night.watch.answers(OWN)
    night.first.mood = night.second.mood = Mood.FINE
    night.passes(45)
    assert night.rings(OWN) == night.rings(DUTY_DOCTOR) == []
    assert states(night)["due"] == 0


def test_what_was_answered_months_ago_rings_nobody(night: Night) -> None:
    """oncall 3111: an acknowledged alert pages again months later, by an old timer."""
    call(night)
    night.watch.answers(OWN)
    night.works()
    rung = night.rung
    for days in (1, 2, 30, 120):
        night.watch.now = NOW + timedelta(days=days)
        night.pager_starts_anew()
        night.works()
    assert night.rung == rung
    assert night.watch.episodes()[0][1] in ("expired", "resolved")


def test_a_page_that_is_found_months_later_is_held_for_a_person(night: Night) -> None:
    """The same after a backup is restored: nobody knows what has become of it in the meantime."""
    night.watch.measures(214, 126)
    night.watch.decides()
    night.watch.now += timedelta(days=90)
    night.pager_starts_anew()
    night.run(night.pager.cycle(night.paging))
    night.run(night.pager.finish())
    assert states(night)["held"] == 1
    assert night.rings(OWN) == []
    told = [page.episode_id for _, page in (*night.first.rung, *night.second.rung)]
    assert told == [0, 0], "the desk hears, by both its contacts, that something is held"


def test_a_doctor_without_a_contact_is_passed_over(night: Night) -> None:
    """oncall 1326: the step's user has no way to be reached, and the chain ends in silence."""
    night.rows("DELETE FROM contact WHERE doctor_id = %s", OWN)
    crisis(night)
    night.passes(1)
    assert night.rings(DUTY_DOCTOR)[:1] == [0], "the next one at once, not at that one's own time"


def test_a_doctors_other_contact_is_not_cut_off_by_the_next_step(night: Night) -> None:
    """oncall 934: the user's second, slower way never comes, for the next step came before it."""
    night.first.mood = Mood.BUSY
    night.rows(
        "UPDATE contact SET channel = 'webhook', address = 'http://three.test/wang'"
        " WHERE doctor_id = 'wang' AND position = 1"
    )
    crisis(night)
    night.passes(12)
    assert night.rings(DUTY_DOCTOR), "somebody else has been called meanwhile"
    assert night.rings(OWN) == []
    night.first.mood = Mood.FINE
    night.passes(2)
    assert night.rings(OWN), "and yet the doctor's own page was never given up"


def test_two_hundred_with_an_error_code_is_no_delivery(night: Night) -> None:
    """kgcheckin 29, dingtalk 4, oryxos 341: HTTP says 200, the body says no, the log says sent."""
    robot = PROVIDERS["dingtalk"](Setup(secret=SECRET))
    door, closing = Door(robot, Mischief(parse_fault("refuse-200"), None)), AsyncExitStack()
    base = night.run(closing.enter_async_context(serving("127.0.0.1", 0, door)))
    http = Http(5.0)
    closing.push_async_callback(http.close)
    night.channels["dingtalk"] = DingTalk({OWN: SECRET.decode()}, http)
    night.rows(
        "UPDATE contact SET channel = 'dingtalk', address = %s"
        " WHERE doctor_id = 'wang' AND position = 0",
        f"{base}/robot/send?access_token={OWN}",
    )
    crisis(night)
    night.passes(2)
    night.run(closing.aclose())
    tried = night.rows(
        "SELECT p.state, a.outcome FROM page p JOIN page_attempt a USING (page_id)"
        " WHERE p.channel = 'dingtalk'"
    )
    assert tried
    assert not any(state == "sent" or outcome == "delivered" for state, outcome in tried)
    assert night.rings(OWN), "by the other contact"


def test_killed_in_mid_send_it_is_sent_again(night: Night) -> None:
    """goalert, engine/message: between "sending" and the provider's answer a page is never sent."""
    night.first.mood = Mood.LOSES_AND_HANGS
    night.watch.measures(214, 126)
    night.watch.decides()
    night.pager_dies(lambda: None)
    assert night.rings(OWN) == []
    night.first.mood = Mood.FINE
    night.passes(1)
    ((first, one), (again, other)) = night.first.rung[:2]
    assert one.page_id == other.page_id, "the provider can tell that it is the same"
    assert night.rings(OWN)[:1] == [again]
    assert again - first <= 1


def test_an_outages_backlog_is_no_storm_of_pages(night: Night) -> None:
    """After a day without a broker everything comes at once: what is old is for the morning."""
    for ago_h in range(24, 4, -1):
        night.watch.measures(214, 126, ago_min=ago_h * HOUR)
    night.works()
    night.passes(HOUR)
    assert night.rung <= 1
    assert {row[0] for row in night.rows("SELECT severity FROM episode")} == {"today"}
