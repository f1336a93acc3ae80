"""A short, seeded version of docs/gates.md: does detection still keep what it promises?

So few people cannot show that a bar is held, but they show when it is lost: a test fails when the
bar lies outside the figure's 99.9 % interval. (The seeds are fixed, so it fails always or never.)
"""

from dataclasses import replace

import gates_crisis
import gates_glucose
import gates_labels
import gates_trend
import pytest
from gates_figures import Figure

SEED = 31
"""Not one of those in docs/gates.md, nor one on which anything was tuned."""
TO_999 = 3.29 / 1.96
"""From the half width of a 95 % interval to that of a 99.9 % one."""


def lost(figure: Figure) -> bool:
    """Return whether the bar is outside what chance allows."""
    if figure.bar is None:
        return False
    low = figure.value - (figure.value - figure.low) * TO_999
    high = figure.value + (figure.high - figure.value) * TO_999
    return high < figure.bar[0] or low > figure.bar[1]


def silent(_people: int) -> None:
    """Tell nobody how far it is."""


@pytest.mark.parametrize(
    "setting", [gates_trend.PLAIN, gates_trend.INDEXED], ids=lambda setting: setting.name
)
def test_the_trend_is_not_lost(setting: gates_trend.Setting) -> None:
    figures = list(gates_trend.false_alarms(setting, 400, [SEED], silent))
    figures += gates_trend.found(setting, 250, [SEED], silent, others=("ramp10",))
    assert any(figure.bar for figure in figures)
    assert not [figure.row() for figure in figures if lost(figure)]


@pytest.mark.parametrize(("gate", "people"), [(gates_labels, 500), (gates_crisis, 300)])
def test_a_gate_is_not_lost(gate: object, people: int) -> None:
    figures = list(gate.figures(people, [SEED], silent))  # type: ignore[attr-defined]
    assert any(figure.bar for figure in figures)
    assert not [figure.row() for figure in figures if lost(figure)]


def test_a_rise_of_glucose_is_found() -> None:
    figures = {f.what: f for f in gates_glucose.figures(300, [SEED], silent)}
    assert figures["false rises of glucose, tablets, 7 a week"].low < 1.0
    assert figures["glucose +30 %, tablets, 7 a week"].value <= 14


def test_a_detector_that_never_speaks_loses_its_gate() -> None:
    deaf = Figure("+10 mmHg", float("inf"), 50.0, float("inf"), "days", 500, "people", (0, 13.0))
    assert lost(replace(deaf, value=60.0, high=70.0))
    noisy = Figure("false rises", 2.0, 1.9, 2.1, "", 500, "people", (0.8, 1.2))
    assert lost(noisy)
    assert not lost(replace(noisy, value=1.25, low=1.1, high=1.4))
