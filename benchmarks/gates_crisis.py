"""Does a real crisis page, and does it stay quiet when one reading was only unlucky?

The true level of a session is what faultless readings without end would show in it (without the
first reading's bias, artefacts, or another person's arm). A page is false when the person's true
usual level of that day, mean of morning and evening with season and event, is below 150 mmHg.
Beside it stands the same against the level of a lifetime, without season and time of day.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from gates_days import Advanced
from gates_figures import Figure, at_least, at_most, per_weeks, share
from gates_sittings import Sitting, sit

from yikao_alerts.rules import RuleSet, load_rules
from yikao_sim.town.events import scenario_named
from yikao_sim.town.parameters import EVENING, STRATA, Parameters
from yikao_sim.town.people import Town
from yikao_sim.town.readings import Block, block_of
from yikao_sim.town.replies import Place
from yikao_sim.town.vitals import Beside, beside

DAYS = 168
WEEKS = DAYS / 7
EVENING_DAY = 28
CRISIS_SEED = 700_000
CRISIS_PEOPLE = 4
"""So many times as many people live through one crisis evening as through 24 quiet weeks."""
FALSE_BELOW = 150.0
LOOKED_AT_FROM = 180.0
"""No session below it can page: no rule without a symptom pages for less, and the diastolic
pressure of the town stays below 110."""
BANDS = ((180.0, 190.0, 0.93), (190.0, np.inf, 0.99))
FALSE_EPISODES = 3
"""Place among the pages counted for each person."""
FEW_REPLY = Parameters(strata=tuple(replace(stratum, replies=0.8) for stratum in STRATA))
EPISODE_HALF_DAYS = 2
"""A page joins an episode whose last evidence is at most a day old."""


@dataclass(slots=True)
class Counted:
    """What was seen in one kind of town, over all seeds."""

    pages: list[np.ndarray] = field(default_factory=list)
    """Per person: sessions that paged, false ones, episodes, false ones, false of a lifetime."""
    by: Counter[str] = field(default_factory=Counter)
    asked: list[np.ndarray] = field(default_factory=list)
    silent: int = 0
    bands: dict[float, list[int]] = field(
        default_factory=lambda: {low: [0, 0] for low, *_ in BANDS}
    )


def figures(people: int, seeds: Sequence[int], advanced: Advanced) -> Iterator[Figure]:
    """Yield all figures of crises."""
    rules = load_rules()
    quiet, stormy = Counted(), Counted()
    for seed in seeds:
        _count(Town(people, DAYS, seed), rules, quiet, None, advanced)
        crisis = scenario_named("crisis", EVENING_DAY)
        town = Town(people * CRISIS_PEOPLE, EVENING_DAY + 1, seed + CRISIS_SEED, crisis)
        _count(town, rules, stormy, EVENING_DAY, advanced)
    yield from _rates(quiet)
    yield from _sensitivity(stormy, "crisis evenings", barred=True)
    yield from _sensitivity(quiet, "sessions of quiet weeks", barred=False)
    deaf = Counted()
    for seed in seeds:
        _count(Town(people, DAYS, seed, parameters=FEW_REPLY), rules, deaf, None, advanced)
    false = np.concatenate(deaf.pages)[:, FALSE_EPISODES]
    yield per_weeks("false pages, per episode, if one in five never replies", false, WEEKS, 1000)


def _rates(quiet: Counted) -> Iterator[Figure]:
    pages = np.concatenate(quiet.pages)
    names = (
        ("pages, per session", None),
        ("false pages (usual level < 150), per session", None),
        ("pages, per episode", None),
        ("false pages (usual level < 150), per episode", at_most(4.0)),
        ("pages of people whose level of a lifetime is < 150, per episode", None),
    )
    for column, (name, bar) in enumerate(names):
        yield per_weeks(name, pages[:, column], WEEKS, 1000, bar=bar)
    yield per_weeks(
        "further readings asked for after a high one", np.concatenate(quiet.asked), WEEKS, 1000
    )
    for rule, count in quiet.by.most_common():
        yield share(f"of pages by {rule}", count, quiet.by.total(), "pages")


def _sensitivity(counted: Counted, where: str, *, barred: bool) -> Iterator[Figure]:
    for low, high, bar in BANDS:
        hits, of = counted.bands[low]
        band = f"{low:.0f} to {high:.0f}" if np.isfinite(high) else f"{low:.0f} or more"
        limit = at_least(bar) if barred else None
        yield share(f"{where} truly at {band} that page", hits, of, "sessions", bar=limit)
    hits, of = (sum(column) for column in zip(*counted.bands.values(), strict=True))
    yield share(f"{where} truly at 180 or more that page", hits, of, "sessions")


def _count(
    town: Town, rules: RuleSet, counted: Counted, only_day: int | None, advanced: Advanced
) -> None:
    for number in range(town.blocks):
        block = block_of(town, number)
        extra = beside(block)
        paged, asked = _paged(block, extra, rules, counted, only_day)
        false = block.usual_level[:, :, None] < FALSE_BELOW
        starts = episodes(paged)
        lifetime = (block.people.usual < FALSE_BELOW)[:, None, None]
        masks = (paged, paged & false, starts, starts & false, starts & lifetime)
        counted.pages.append(np.stack([mask.sum(axis=(1, 2)) for mask in masks], axis=1))
        counted.asked.append(asked)
        _add_bands(block, paged, counted, only_day)
        advanced(town.size(number))


def _paged(
    block: Block, extra: Beside, rules: RuleSet, counted: Counted, only_day: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return which sessions `(n, d, s)` paged, and how often each person was asked, `(n,)`."""
    high = (block.systolic >= LOOKED_AT_FROM).any(axis=3)
    paged = np.zeros(high.shape, bool)
    asked = np.zeros(high.shape[0], int)
    for at in np.argwhere(high).tolist():
        if only_day is not None and at[1:] != [only_day, EVENING]:
            continue
        sitting: Sitting = sit(block, extra, Place(*at), rules)
        asked[at[0]] += sitting.asked
        if sitting.paged_by:
            paged[tuple(at)] = True
            counted.by[sitting.paged_by] += 1
    return paged, asked


def episodes(paged: np.ndarray) -> np.ndarray:
    """Return the sessions `(n, d, s)` that begin an episode: no page in the day before them."""
    row = paged.reshape(paged.shape[0], -1)
    recent = np.zeros_like(row)
    for back in range(1, EPISODE_HALF_DAYS + 1):
        recent[:, back:] |= row[:, :-back]
    starts: np.ndarray = (row & ~recent).reshape(paged.shape)
    return starts


def _add_bands(block: Block, paged: np.ndarray, counted: Counted, only_day: int | None) -> None:
    own = ~np.isnan(block.systolic).all(axis=3) & np.isnan(block.other_level)
    if only_day is not None:
        chosen = np.zeros_like(own)
        chosen[:, only_day, EVENING] = True
        own &= chosen
    for low, high, _ in BANDS:
        band = own & (block.session_level >= low) & (block.session_level < high)
        counted.bands[low][0] += int((paged & band).sum())
        counted.bands[low][1] += int(band.sum())
