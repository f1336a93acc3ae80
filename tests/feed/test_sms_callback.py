"""A doctor answers by text message: the real feed, a real database, the clouds' own formats."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fix_feed import SECRET, Town, serving
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.channels.sms_reply import PUSHES, Incoming
from yikao_alerts.feed.settings import FeedSettings
from yikao_alerts.replied import MISSES_MAX
from yikao_alerts.reply import reply_code

TOKEN = "0123456789abcdef0123456789abcdef"
NUMBER = "13800138000"
MOBILE = f"+86{NUMBER}"
Push = Callable[..., httpx.Response]


@pytest.fixture
def push(town: Town) -> Iterator[Push]:
    """Push an answer as a cloud does."""
    with serving(FeedSettings(town.database_url, SECRET, port=0, sms_token=TOKEN)) as url:

        def one(
            said: str, number: str = NUMBER, sequence: int = 1, cloud: str = "aliyun"
        ) -> httpx.Response:
            told: Any = {"nationcode": "86", "mobile": number, "text": said, "time": sequence}
            if cloud == "aliyun":
                told = [{"phone_number": number, "content": said, "sequence_id": sequence}]
            return httpx.post(f"{url}/callback/sms/{cloud}/{TOKEN}", json=told, trust_env=False)

        yield one


def paged(town: Town, code: str) -> int:
    """Open a red episode whose page went to a telephone; return its number."""
    town.resident(code, "李秀英")
    number = town.red(code)
    town.run(
        "UPDATE page SET channel = 'sms', address = %(mobile)s, message_id = page_id,"
        " message_at = created_at WHERE page_id = ("
        " SELECT page_id FROM page WHERE episode_id = %(id)s AND doctor_id = 'wang'"
        " ORDER BY due_at LIMIT 1) RETURNING page_id",
        id=number,
        mobile=MOBILE,
    )
    return number


def code_of(town: Town, number: int, mobile: str = MOBILE) -> str:
    """Return the code in the message that told a telephone of an episode."""
    ((message_id,),) = town.run(
        "SELECT message_id FROM page WHERE episode_id = %(id)s AND address = %(mobile)s",
        id=number,
        mobile=mobile,
    )
    return reply_code(SECRET, message_id, mobile)


def standing(town: Town, number: int) -> tuple[str, str | None]:
    ((state, by),) = town.run(
        "SELECT state, answered_by FROM episode WHERE episode_id = %(id)s", id=number
    )
    return state, by


def heard(town: Town) -> list[str]:
    return [row[0] for row in town.run("SELECT outcome FROM sms_reply ORDER BY received_at")]


@pytest.mark.parametrize(
    ("cloud", "thanks"),
    [("aliyun", {"code": 0, "msg": "OK"}), ("tencent", {"result": 0, "errmsg": "OK"})],
)
def test_the_code_takes_the_episode_it_belongs_to(
    town: Town, push: Push, cloud: str, thanks: dict[str, Any]
) -> None:
    other, number = paged(town, "r-01"), paged(town, "r-02")
    answer = push(f"1 {code_of(town, number).lower()}", cloud=cloud)
    assert (answer.status_code, answer.json()) == (200, thanks)
    assert standing(town, number) == ("answered", "wang")
    assert standing(town, other)[0] == "open"
    assert heard(town) == ["taken"]


def test_a_message_that_names_two_is_answered_for_both(town: Town, push: Push) -> None:
    one, other = paged(town, "r-01"), paged(town, "r-02")
    town.run(
        "UPDATE page SET message_id = (SELECT message_id FROM page WHERE episode_id = %(one)s"
        " AND message_id IS NOT NULL) WHERE message_id IS NOT NULL RETURNING page_id",
        one=one,
    )
    push(f"1 {code_of(town, one)}")
    assert standing(town, one) == standing(town, other) == ("answered", "wang")
    assert heard(town) == ["taken"]


def test_told_again_it_does_nothing(town: Town, push: Push) -> None:
    number = paged(town, "r-01")
    for _ in range(3):
        assert push(f"1 {code_of(town, number)}").status_code == 200
    ((events,),) = town.run("SELECT count(*) FROM episode_event WHERE event = 'taken'")
    assert events == 1 and heard(town) == ["taken"]


def test_a_code_is_good_on_its_own_telephone_alone(town: Town, push: Push) -> None:
    number = paged(town, "r-01")
    push(f"1 {code_of(town, number)}", number="13800138001")
    assert standing(town, number)[0] == "open" and heard(town) == ["unknown"]


@pytest.mark.parametrize("said", ["1", "好的", "收到，马上", "2 A1B2", "", "\0"])
def test_what_is_no_answer_takes_nothing_and_is_kept(town: Town, push: Push, said: str) -> None:
    number = paged(town, "r-01")
    assert push(said).status_code == 200
    assert standing(town, number)[0] == "open" and heard(town) == ["unreadable"]


def test_an_old_page_is_not_taken_any_more(town: Town, push: Push) -> None:
    number = paged(town, "r-01")
    town.run(
        "UPDATE page SET message_at = message_at - %(age)s RETURNING page_id",
        age=timedelta(hours=25),
    )
    push(f"1 {code_of(town, number)}")
    assert standing(town, number)[0] == "open" and heard(town) == ["unknown"]


def test_whoever_was_slower_is_late(town: Town, push: Push) -> None:
    number = paged(town, "r-01")
    paged_too = "+8613800138001"
    town.run(
        "INSERT INTO page (page_id, episode_id, round, step, loop, doctor_id, contact_position,"
        " channel, address, language, body, link, created_at, due_at, message_id, message_at)"
        " SELECT gen_random_uuid(), episode_id, round, 99, loop, 'li', 9, 'sms', %(mobile)s,"
        " language, body, link, created_at, due_at, gen_random_uuid(), created_at"
        " FROM page WHERE episode_id = %(id)s LIMIT 1"
        " RETURNING page_id",
        mobile=paged_too,
        id=number,
    )
    push(f"1 {code_of(town, number)}")
    push(f"1 {code_of(town, number, paged_too)}", number="13800138001", sequence=2)
    assert standing(town, number) == ("answered", "wang")
    assert sorted(heard(town)) == ["late", "taken"]


def test_whoever_guesses_is_not_heard_any_more(town: Town, push: Push) -> None:
    number = paged(town, "r-01")
    genuine = code_of(town, number)
    wrong = "0000" if genuine != "0000" else "0001"
    for sequence in range(MISSES_MAX):
        push(f"1 {wrong}", sequence=sequence)
    push(f"1 {genuine}", sequence=MISSES_MAX)
    assert standing(town, number)[0] == "open"
    assert heard(town) == ["unknown"] * (MISSES_MAX + 1)


def test_a_stranger_is_shown_nothing(town: Town) -> None:
    number = paged(town, "r-01")
    told = [{"phone_number": NUMBER, "content": "1", "sequence_id": 1}]
    known = FeedSettings(town.database_url, SECRET, port=0, sms_token=TOKEN)
    unknown = FeedSettings(town.database_url, SECRET, port=0)
    for settings, path in (
        (known, "aliyun/wrong"),
        (known, f"pigeon/{TOKEN}"),
        (known, "aliyun/%E5%8C%BB"),
        (unknown, f"aliyun/{TOKEN}"),
    ):
        with serving(settings) as url:
            answer = httpx.post(f"{url}/callback/sms/{path}", json=told, trust_env=False)
            assert answer.status_code == 404
    assert standing(town, number)[0] == "open" and heard(town) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"no JSON", b'{"mobile": 1}', b"[" * 300_000])
def test_a_body_that_is_none_is_refused_and_not_thanked(town: Town, body: bytes) -> None:
    with serving(FeedSettings(town.database_url, SECRET, port=0, sms_token=TOKEN)) as url:
        at = f"{url}/callback/sms/tencent/{TOKEN}"
        assert httpx.post(at, content=body, trust_env=False).status_code == 400


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(("phone_number", "content", "sequence_id", "mobile"))
                | st.sampled_from(("nationcode", "text", "time")),
                inner | st.just(NUMBER) | st.just("86"),
            )
        ),
    )
)
def test_any_json_is_answers_or_none(pushed: Any) -> None:
    for each in PUSHES.values():
        found = each.read(pushed)
        assert found is None or all(isinstance(answer, Incoming) for answer in found)


def test_numbers_get_their_country_code() -> None:
    entries = [
        {"phone_number": number, "content": "1 A1B2", "sequence_id": 1}
        for number in (NUMBER, "447700900123", "12", 7)
    ]
    found = PUSHES["aliyun"].read(entries)
    assert found is not None
    assert [each.address for each in found] == [MOBILE, "+447700900123"]
