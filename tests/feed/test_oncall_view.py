"""The on-call page's drawing: every day is filled, also where the clock is changed."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from yikao_alerts.feed.oncall_view import BAR, column, days_from, step_name
from yikao_alerts.feed.words import load_words
from yikao_alerts.rota import Hours, Layer, Rota, Rotation
from yikao_alerts.rota.names import Names, Person, RotaName

NAMES = Names(
    {},
    {"wang": Person("wang", "王医生", "zh", "north", None)},
    {"duty": RotaName("duty", "总值班", "c", "Europe/Berlin")},
    {},
)
TURNS = Rotation(("wang", "li"), date(2027, 1, 4))
ROTAS = {
    "always": (Layer(TURNS),),
    "nights": (Layer(TURNS, Hours(frozenset({"workday"}), time(20), time(8))),),
    "never": (),
}


@pytest.mark.parametrize("layers", ROTAS.values(), ids=ROTAS.keys())
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin"])
@pytest.mark.parametrize("month", [3, 10])
def test_the_pieces_of_a_day_fill_it(layers: tuple[Layer, ...], zone: str, month: int) -> None:
    """Two weeks in which Berlin changes its clock."""
    rota = Rota("duty", ZoneInfo(zone), layers)
    now = datetime(2027, month, 20, 12, tzinfo=UTC)
    days = days_from(now, rota.zone)
    shown = column(rota, NAMES, days, now)
    assert shown.name == "总值班"
    assert days[-1] - days[0] == timedelta(days=14)
    for pieces in shown.days:
        assert pieces[0].begin == "00:00"
        assert pieces[-1].end == "24:00"
        assert sum(piece.width for piece in pieces) == pytest.approx(BAR, abs=0.05)
        for one, following in pairwise(pieces):
            assert one.end == following.begin
            assert one.who != following.who
        assert all(piece.hole == (piece.who == "") for piece in pieces)


def test_a_specialist_s_step_has_its_specialty() -> None:
    assert step_name("specialist:obstetric", load_words("en")) == "Specialist (obstetric)"
    assert step_name("team", load_words("zh")) == "团队"
