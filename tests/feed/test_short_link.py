"""The link of a text message: short, and worth no more than the signed link behind it."""

from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
from fix_feed import Town

from yikao_alerts.feed.users import hash_password
from yikao_alerts.links import short_link
from yikao_alerts.sms_parts import LINK_MAX


def test_a_short_link_leads_to_the_signed_one_without_a_password(
    town: Town, feed_with_users: Callable[[str], str]
) -> None:
    town.resident("r-01", "张秀英")
    town.red("r-01")
    ((link, short),) = town.run("SELECT link, short FROM page")
    address = urlsplit(short_link(link, short))
    assert len(short_link("https://yk.hospital.cn/p/a-long-token", short)) <= LINK_MAX
    with httpx.Client(base_url=feed_with_users(f"wang:{hash_password('x')}\n")) as phone:
        answer = phone.get(address.path)
        assert (answer.status_code, answer.headers["location"]) == (303, urlsplit(link).path)
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "#" in phone.get(answer.headers["location"]).text
        for other in ("", "AAAAAAAAAAAA", "%00", "x" * 5000):
            assert phone.get(f"/s/{other}").status_code in (401, 404)


def test_no_two_pages_share_a_code(town: Town) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李国强")
    town.red("r-01")
    town.red("r-02")
    codes = [row[0] for row in town.run("SELECT short FROM page")]
    assert len(set(codes)) == len(codes) == 2
    assert all(len(code) == 12 for code in codes)
    assert short_link("", "abc") == ""
