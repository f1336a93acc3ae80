"""The season index: what the panel does together, known only from the past, and its guard."""

import numpy as np
import pytest
from daily_parts import FIRST_DAY

from yikao_alerts.daily.season import PANEL_MIN, Season


def panel(residents: int, days: int, seed: int = 1, spread: float = 6.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    own = random.normal(130, 12, residents)[:, None]
    return own + random.normal(0, spread, (residents, days))


def test_the_index_follows_what_everybody_does() -> None:
    wave = 4 * np.sin(np.arange(200) / 200 * 2 * np.pi)
    season = Season.of(FIRST_DAY, panel(500, 200) + wave)
    assert not season.present[:28].any() and season.present[28:].all()
    lagged = np.array([wave[max(28, d - 13) : d + 1].mean() for d in range(28, 200)])
    assert season.index[28:] == pytest.approx(lagged - wave[:28].mean(), abs=0.5)
    assert not season.jumped.any()


def test_an_index_never_uses_what_comes_later() -> None:
    values = panel(300, 120)
    whole = Season.of(FIRST_DAY, values)
    for last in (30, 60, 119):
        part = Season.of(FIRST_DAY, values[:, :last])
        assert part.index.tobytes() == whole.index[:last].tobytes()
    again = Season.from_medians(FIRST_DAY, whole.median, whole.panel)
    assert again.index.tobytes() == whole.index.tobytes()


def test_the_order_of_residents_changes_no_bit() -> None:
    values = panel(300, 80)
    mixed = values[np.random.default_rng(0).permutation(300)]
    assert (
        Season.of(FIRST_DAY, values).index.tobytes() == Season.of(FIRST_DAY, mixed).index.tobytes()
    )


def test_a_small_panel_has_no_index() -> None:
    season = Season.of(FIRST_DAY, panel(PANEL_MIN - 1, 60))
    assert not season.present.any() and not season.index.any()
    assert Season.of(FIRST_DAY, panel(PANEL_MIN, 60)).present[28:].all()


def test_when_the_panel_shrinks_the_last_index_stays_without_being_present() -> None:
    values = panel(250, 120) + np.linspace(0, 4, 120)
    values[100:, 80:] = np.nan
    season = Season.of(FIRST_DAY, values)
    assert season.present[80:93].all() and not season.present[93:].any()
    assert (season.index[93:] == season.index[92]).all()
    assert season.on(FIRST_DAY + 110) == (season.index[92], False)
    assert season.on(FIRST_DAY + 500) == (season.index[92], False)
    assert season.on(FIRST_DAY - 1) == (0.0, False)


def test_a_common_step_raises_the_technical_alarm() -> None:
    values = panel(400, 120)
    values[:, 80:] += 9.0
    season = Season.of(FIRST_DAY, values)
    first = int(np.flatnonzero(season.jumped)[0])
    assert 80 < first <= 87
    assert not season.jumped[97:].any()


def test_nobody_on_a_day_leaves_it_out() -> None:
    values = panel(250, 60)
    values[:, 40] = np.nan
    season = Season.of(FIRST_DAY, values)
    assert np.isnan(season.median[40]) and season.present[40]
    assert season.index[40] == season.median[28:40].sum() / 12


def test_the_season_in_which_somebody_began_is_not_taken_for_todays() -> None:
    """People begin all through two years of a wave of 8 mmHg; each stays for 200 days."""
    days = np.arange(730)
    wave = 4 * np.cos(2 * np.pi * days / 365.25)
    values = panel(1500, 730, seed=5) + wave
    begins = np.linspace(-200, 700, 1500)[:, None]
    values[(days < begins) | (days >= begins + 200)] = np.nan
    season = Season.of(FIRST_DAY, values)
    late = days > 120
    wrong = (season.index - wave)[late & season.present]
    assert np.ptp(wrong) < 2.5
