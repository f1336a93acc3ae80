"""The link in a page: genuine for its page, its doctor and its day, and for nothing else."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.links import KEY_BYTES, LIFETIME, PageLink, make_link, read_link

SECRET = bytes(range(KEY_BYTES))
NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
PAGE = UUID("5f0d3c3e-4f0b-5d0c-9a54-79696b616f31")
LINK = PageLink(PAGE, "dr-wang")
TOKEN = make_link(SECRET, LINK, NOW)

links = st.builds(PageLink, st.uuids(), st.text(min_size=1, max_size=40).filter(str.isprintable))
moments = st.datetimes(
    datetime.fromisoformat("2024-01-01"),
    datetime.fromisoformat("2100-01-01"),
    timezones=st.just(UTC),
)


@given(links, moments, st.integers(0, 86_398))
def test_a_link_is_read_back_for_a_day(link: PageLink, now: datetime, after_s: int) -> None:
    token = make_link(SECRET, link, now)
    assert read_link(SECRET, token, now + timedelta(seconds=after_s)) == link


def test_it_ends_after_a_day() -> None:
    assert read_link(SECRET, TOKEN, NOW + LIFETIME - timedelta(seconds=1)) == LINK
    assert read_link(SECRET, TOKEN, NOW + LIFETIME) is None
    assert read_link(SECRET, TOKEN, NOW + timedelta(days=400)) is None


def test_any_bit_that_is_flipped_spoils_it() -> None:
    raw = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    for position in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[position // 8] ^= 1 << position % 8
        forged = base64.urlsafe_b64encode(flipped).decode().rstrip("=")
        assert read_link(SECRET, forged, NOW) is None, f"bit {position}"


def test_any_other_character_spoils_it_even_where_its_bits_say_nothing() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ .\n"
    for position in range(len(TOKEN)):
        for letter in letters:
            if letter != TOKEN[position]:
                other = TOKEN[:position] + letter + TOKEN[position + 1 :]
                assert read_link(SECRET, other, NOW) is None, f"{letter!r} at {position}"


def test_cut_or_lengthened_it_is_none() -> None:
    for end in range(len(TOKEN)):
        assert read_link(SECRET, TOKEN[:end], NOW) is None
        assert read_link(SECRET, TOKEN[end + 1 :], NOW) is None
    for more in ("A", "=", "==", "\n", " ", TOKEN):
        assert read_link(SECRET, TOKEN + more, NOW) is None


@pytest.mark.parametrize(
    "other", [PageLink(UUID(int=1), "dr-wang"), PageLink(PAGE, "dr-li"), PageLink(PAGE, "dr-wan")]
)
def test_the_seal_of_one_link_does_not_fit_another(other: PageLink) -> None:
    def parts(link: PageLink) -> tuple[bytes, bytes]:
        token = make_link(SECRET, link, NOW)
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return raw[:-16], raw[-16:]

    forged = base64.urlsafe_b64encode(parts(other)[0] + parts(LINK)[1]).decode().rstrip("=")
    assert read_link(SECRET, forged, NOW) is None


def test_another_key_reads_nothing() -> None:
    assert read_link(bytes(KEY_BYTES), TOKEN, NOW) is None


def test_a_link_to_nobody_is_none() -> None:
    assert read_link(SECRET, make_link(SECRET, PageLink(PAGE, ""), NOW), NOW) is None


@given(
    st.text(max_size=200)
    | st.binary(max_size=90).map(lambda b: base64.urlsafe_b64encode(b).decode())
)
def test_whatever_somebody_types_is_none_and_never_an_error(token: str) -> None:
    assert read_link(SECRET, token, NOW) is None


def test_it_can_stand_in_an_address_and_shows_no_more_than_it_must() -> None:
    assert set(TOKEN) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(TOKEN) < 80
