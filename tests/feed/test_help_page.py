"""What whoever answers finds: what was said and how often, where the ambulance goes, each round."""

from collections.abc import Callable
from datetime import timedelta

import httpx
from fix_feed import Town

from yikao_alerts.feed.users import hash_password

ADDRESS, PHONE, RELATIVE = "示例路1号楼2单元301", "13800000001", "女儿 13900000002"
PRIVATE = (ADDRESS, PHONE, RELATIVE)
HOME = """
UPDATE resident SET address = %(address)s, phone = %(phone)s, emergency_contact = %(relative)s
WHERE code = %(code)s
"""
CALL = """
WITH who AS (SELECT patient_id FROM resident WHERE code = %(code)s), press AS (
    INSERT INTO help_call (reading_id, patient_id, time, received_at)
    SELECT gen_random_uuid(), patient_id, %(at)s, %(at)s FROM who
)
INSERT INTO eval_queue (patient_id, queued_at) SELECT patient_id, %(now)s FROM who
"""


def at_home(town: Town) -> None:
    town.resident("R-0001", "张秀英")
    town.run(HOME, code="R-0001", address=ADDRESS, phone=PHONE, relative=RELATIVE)


def calls(town: Town, *minutes_ago: int) -> int:
    for ago in minutes_ago:
        town.run(CALL, code="R-0001", at=town.now - timedelta(minutes=ago))
    town.evaluate()
    return town.episode_of("R-0001")


def test_what_was_said_is_told_with_how_often(town: Town, feed_url: str) -> None:
    at_home(town)
    number = calls(town, 6, 4, 1)
    page = httpx.get(f"{feed_url}/episodes/{number}").text
    assert "请求回电 3 次" in page
    assert page.count("<span>请求回电</span>") == 3


def test_the_address_is_for_whoever_signed_in_and_for_nobody_else(
    town: Town, feed_with_users: Callable[[str], str], feed_url: str
) -> None:
    """Not without a login, not for another team, not behind a page's link, not elsewhere."""
    at_home(town)
    number = town.red("R-0001")
    url = feed_with_users(
        f"wang:{hash_password('wang')}\nchen:{hash_password('chen')}\n",
    )
    mine = httpx.get(f"{url}/episodes/{number}", auth=("wang", "wang")).text
    assert all(secret in mine for secret in PRIVATE)
    for path in ("/", f"/live/episodes/{number}/facts", town.link_of(number)):
        seen = httpx.get(f"{url}{path}", auth=("wang", "wang")).text
        assert not any(secret in seen for secret in PRIVATE)
    for answer in (
        httpx.get(f"{url}/live/episodes/{number}/help", auth=("chen", "chen")),
        httpx.get(f"{url}/live/episodes/{number}/help"),
        httpx.get(f"{feed_url}/episodes/{number}"),
    ):
        assert not any(secret in answer.text for secret in PRIVATE)
    bodies = str(town.run("SELECT body, link, facts FROM page"))
    assert not any(secret in bodies for secret in PRIVATE)


def test_when_it_is_over_the_address_is_gone(
    town: Town, feed_with_users: Callable[[str], str]
) -> None:
    at_home(town)
    number = town.red("R-0001")
    town.run("UPDATE episode SET state = 'resolved', closed_at = %(now)s")
    url = feed_with_users(f"wang:{hash_password('wang')}\n")
    assert ADDRESS not in httpx.get(f"{url}/episodes/{number}", auth=("wang", "wang")).text


def test_the_re_check_counts_down_to_the_next_round_and_says_each(
    town: Town, feed_url: str
) -> None:
    """Found 45 minutes ago: one round measured, one missed, the third awaited."""
    town.resident("R-0001", "张秀英")
    town.reads("R-0001", 206, 122, ago=timedelta(minutes=52))
    town.reads("R-0001", 170, 100, ago=timedelta(minutes=31))
    town.reads("R-0001", 168, 98, ago=timedelta(minutes=29))
    town.evaluate()
    page = httpx.get(f"{feed_url}/episodes/{town.episode_of('R-0001')}").text
    assert "复测进程" in page
    assert "169/99" in page, "a round is the mean of its readings"
    assert "data-until=" in page
    assert "第 3 轮" in page
