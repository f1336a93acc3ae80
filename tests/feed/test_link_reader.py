"""The page behind a link speaks to whoever it was sent to: the next call may be their own."""

import re
from datetime import timedelta

import httpx
from fix_feed import Town

NEXT = re.compile(r'<span data-until="[^"]*" data-text="([^"]*)"')
CALLED_SINCE = """
WITH moved AS (
    UPDATE episode SET level_since = level_since - %(ago)s WHERE episode_id = %(id)s
    RETURNING patient_id
)
INSERT INTO eval_queue (patient_id, queued_at) SELECT patient_id, %(now)s FROM moved
"""
LINK_TO = "SELECT link FROM page WHERE episode_id = %(id)s AND doctor_id = %(doctor)s"


def following(feed_url: str, path: str, language: str = "zh") -> str:
    """Return what the page says will happen next."""
    page = httpx.get(feed_url + path, cookies={"language": language}).text
    found = NEXT.search(page)
    assert found is not None
    return found[1]


def test_the_own_doctor_is_not_spoken_of_in_the_third_person(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    link = town.link_of(town.red("r-01"))
    assert following(feed_url, link) == "{span}后给您打电话"
    assert following(feed_url, link, "en") == "telephones you in {span}"


def test_neither_is_the_duty_doctor(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    own = town.link_of(episode)
    town.run(CALLED_SINCE, id=episode, ago=timedelta(minutes=6))
    town.evaluate()
    ((duty,),) = town.run(LINK_TO, id=episode, doctor="li")
    duty = duty.removeprefix("http://127.0.0.1")
    assert following(feed_url, duty) == "{span}后再次呼叫您"
    assert following(feed_url, duty, "en") == "calls you again in {span}"
    assert following(feed_url, own) == "{span}后转值班医生"


def test_what_a_colleague_has_taken_is_not_said_to_be_done(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    link = feed_url + town.link_of(episode)
    with httpx.Client(headers={"sec-fetch-site": "same-origin"}) as client:
        client.post(f"{feed_url}/episodes/{episode}/take", data={"doctor": "li"})
        page = client.get(link).text
        assert re.search(r"已由 李医生 \d\d:\d\d 接手", page)
        assert "我来处理" not in page
        done = {"doctor": "li", "disposition": "visit"}
        client.post(f"{feed_url}/episodes/{episode}/answer", data=done)
        assert re.search(r"已由 李医生 \d\d:\d\d 处理", client.get(link).text)
