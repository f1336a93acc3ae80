"""What happens to the people of a town: nothing, a drug stopped, a slow rise, one bad evening."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from yikao_sim.errors import SimError
from yikao_sim.town.parameters import EVENING, SESSIONS

Shape = Literal["none", "step", "ramp", "crisis", "glucose"]
Floats = NDArray[np.float32]

EVENT_DAY: Final = 112
DRUG_TAU: Final = 3.0
"""Days in which two thirds of a change of drugs show."""
RAMP_DAYS: Final = 28
CRISIS_MMHG: Final = (45.0, 70.0)
STEPS: Final = (5, 10, 15, 20)
GLUCOSE_STEPS: Final = (20, 30, 50)


@dataclass(frozen=True, slots=True)
class Scenario:
    """An event from `day` of each run on. `size` in mmHg, of a glucose event as a share of 1.

    `tau` is how slowly a step comes, in days; 0 is a cuff that was changed.
    """

    shape: Shape = "none"
    size: float = 0.0
    tau: float = DRUG_TAU
    day: int = EVENT_DAY


def _catalogue() -> dict[str, Scenario]:
    found = {"none": Scenario(), "crisis": Scenario("crisis")}
    for size in STEPS:
        found[f"step{size}"] = Scenario("step", size)
        found[f"step-{size}"] = Scenario("step", -size)
        found[f"cuff{size}"] = Scenario("step", size, tau=0.0)
        found[f"cuff-{size}"] = Scenario("step", -size, tau=0.0)
    found["ramp10"] = Scenario("ramp", 10.0)
    found |= {f"glucose{size}": Scenario("glucose", size / 100) for size in GLUCOSE_STEPS}
    return found


SCENARIOS: Final = _catalogue()


def scenario_named(name: str, day: int = EVENT_DAY) -> Scenario:
    """Return the scenario called `name`, happening on `day`. Raises `SimError`."""
    if name not in SCENARIOS:
        raise SimError(f"no scenario {name!r}: there are {', '.join(sorted(SCENARIOS))}")
    known = SCENARIOS[name]
    return Scenario(known.shape, known.size, known.tau, day)


def course(scenario: Scenario, days: int) -> Floats:
    """Return the event on each day, `(days,)`; all zero for a crisis, which is one evening."""
    since = np.arange(days, dtype=np.float32) - scenario.day
    match scenario.shape:
        case "step" if scenario.tau > 0:
            rise = 1.0 - np.exp(-np.maximum(since, 0.0) / scenario.tau)
        case "step":
            rise = (since >= 0).astype(np.float32)
        case "ramp":
            rise = np.clip(since / RAMP_DAYS, 0.0, 1.0)
        case _:
            rise = np.zeros(days, np.float32)
    return (scenario.size * rise).astype(np.float32)


def pressure_events(
    scenario: Scenario, affected: NDArray[np.bool_], days: int, rng: np.random.Generator
) -> Floats:
    """Return what the event adds to the systolic pressure in mmHg, `(n, days, SESSIONS)`."""
    added = np.zeros((affected.size, days, SESSIONS), np.float32)
    added += (affected[:, None] * course(scenario, days))[:, :, None]
    if scenario.shape == "crisis" and scenario.day < days:
        added[:, scenario.day, EVENING] = affected * rng.uniform(*CRISIS_MMHG, affected.size)
    return added


def glucose_events(scenario: Scenario, affected: NDArray[np.bool_], days: int) -> Floats:
    """Return what the event adds to the logarithm of fasting glucose, `(n, days)`."""
    added = np.zeros((affected.size, days), np.float32)
    if scenario.shape == "glucose":
        added[:, scenario.day :] = (affected * np.log1p(scenario.size))[:, None]
    return added
