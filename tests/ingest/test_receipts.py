"""One word for all that a gateway sent in a batch, and nothing is left out of it."""

from uuid import UUID

from clinic import NOW, TENANT, Signer, directory, pressure
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.rules import load_rules
from yikao_devices import wire
from yikao_ingest.accept import Judged, judge
from yikao_ingest.receipts import ITEMS_MAX, receipt, receipts

RULES = load_rules()
HOMES = FIRST, SECOND = Signer("gw-1"), Signer("gw-2")
REGISTRY = directory(*HOMES)
Said = set[tuple[tuple[str, str], object]]

ids = st.integers(1, 2**128 - 1).map(lambda number: UUID(int=number))
items = st.one_of(
    ids.map(lambda name: pressure(reading_id=name)),
    ids.map(lambda name: pressure(400, reading_id=name)),
    st.just(b'{"kind":"no such"}'),
)
sent = st.tuples(st.sampled_from(HOMES), st.lists(items, min_size=1, max_size=4))


def judged(home: Signer, things: list[wire.Item | bytes]) -> Judged:
    return judge(home.send(*things), REGISTRY, RULES, NOW)


def said(home: tuple[str, str], word: wire.Receipt) -> Said:
    """Return what a gateway hears in a receipt, one thing each."""
    heard: Said = {(home, name) for name in word.stored}
    heard |= {(home, (refused.reading_id, refused.code)) for refused in word.rejected}
    if word.refused_message is not None:
        heard.add((home, (word.refused_message, word.code)))
    return heard


@given(st.lists(sent, max_size=12))
def test_each_gateway_hears_what_it_would_hear_of_each_message(
    batch: list[tuple[Signer, list[wire.Item | bytes]]],
) -> None:
    stored = [judged(*each) for each in batch]
    singly, together = Said(), Said()
    for each in stored:
        word = receipt(each, NOW)
        assert word is not None and each.origin is not None
        singly |= said((TENANT, each.origin.gateway), word)
    for home, word in receipts(stored, NOW):
        together |= said(home, word)
    assert together == singly


def test_a_gateway_hears_one_word_for_many_messages() -> None:
    batch = [
        judged(home, [pressure(reading_id=UUID(int=n))]) for n in range(1, 9) for home in HOMES
    ]
    words = list(receipts(batch, NOW))
    assert [home for home, _ in words] == [(TENANT, "gw-1"), (TENANT, "gw-2")]
    assert [len(word.stored) + len(word.rejected) for _, word in words] == [8, 8]


def test_no_word_is_longer_than_it_may_be() -> None:
    one = judged(FIRST, [pressure(reading_id=UUID(int=n)) for n in range(1, 101)])
    lengths = [len(word.stored) for _, word in receipts([one] * 25, NOW)]
    assert max(lengths) == ITEMS_MAX and sum(lengths) == 2_500
