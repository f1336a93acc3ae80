"""The town as files: readings as `yikao backtest` reads them, the truth behind them, the people.

Rows are in order of resident, then time. Lines are put together from tables of texts, for a town
of ten thousand people over two years has fifteen million of them.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np

from yikao_sim.town.parameters import EVENING, MORNING
from yikao_sim.town.readings import Block
from yikao_sim.town.rows import readings_of

READINGS_HEAD: Final = (
    "resident,measured_at,kind,systolic_mmhg,diastolic_mmhg,pulse_bpm,glucose,ketone_mmol_l,"
    "weight_kg,spo2_pct,temperature_c,unit,flags,context,symptoms,received_at,source\n"
)
TRUTH_HEAD: Final = (
    "resident,date,usual_level_mmhg,morning_level_mmhg,evening_level_mmhg,event_on\n"
)
RESIDENTS_HEAD: Final = "resident,birth_year,sex,diabetes,type2,insulin\n"
OFFSET: Final = "+08:00"
"""China Standard Time; no summer time since 1991."""
SEXES: Final = ("f", "m")
YEAR_DAYS: Final = 366
DAY_S: Final = 86_400
CLOCK: Final = tuple(
    f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}{OFFSET}"
    for second in range(DAY_S)
)


def calendar(first: date, run_days: int) -> list[str]:
    """Return the texts of all days of runs that start within a year from `first`, a New Year."""
    return [(first + timedelta(days=day)).isoformat() for day in range(run_days + YEAR_DAYS)]


def name_of(number: int) -> str:
    """Return the name of a resident, by their number in the town."""
    return f"r{number:06}"


def reading_lines(block: Block, days: Sequence[str]) -> list[str]:
    """Return the lines of all readings of a block, in order of resident and time."""
    rows = readings_of(block)
    names = _names(block)
    sources = ["manual" if typed else "device" for typed in block.people.typed]
    runs = _runs(block, days)
    whole = [
        np.nan_to_num(column).astype(np.int64).tolist()
        for column in (rows.systolic, rows.diastolic, rows.pulse)
    ]
    times = (rows.second.tolist(), (rows.second + rows.arrival_s).tolist())
    lines = []
    contexts = np.where(rows.fasting, "fasting", "").tolist()
    for person, day, second, arrival, systolic, diastolic, pulse, glucose, context in zip(
        rows.person.tolist(),
        rows.day.tolist(),
        *times,
        *whole,
        rows.glucose.tolist(),
        contexts,
        strict=True,
    ):
        on = runs[person][day]
        values = (
            f"blood_pressure,{systolic},{diastolic},{pulse},,,,,,mmHg,,,"
            if systolic
            else f"glucose,,,,{glucose:.1f},,,,,mmol/L,,{context},"
        )
        lines.append(
            f"{names[person]},{on}{CLOCK[second]},{values},{on}{CLOCK[arrival]},{sources[person]}\n"
        )
    return lines


def truth_lines(block: Block, days: Sequence[str]) -> list[str]:
    """Return one line per resident and day: the levels that faultless measuring would show."""
    event = block.town.scenario
    happens = event.shape != "none" and event.day < block.town.days
    lines = []
    for person, (name, own) in enumerate(zip(_names(block), _runs(block, days), strict=True)):
        on = own[event.day] if happens and block.people.affected[person] else ""
        levels = zip(
            own,
            block.usual_level[person].tolist(),
            block.session_level[person, :, MORNING].tolist(),
            block.session_level[person, :, EVENING].tolist(),
            strict=True,
        )
        lines += [f"{name},{day},{u:.1f},{am:.1f},{pm:.1f},{on}\n" for day, u, am, pm in levels]
    return lines


def resident_lines(block: Block) -> list[str]:
    """Return one line per resident, as `yikao backtest --residents` reads it."""
    people = block.people
    lines = []
    for person, name in enumerate(_names(block)):
        sex = SEXES[int(people.sex[person])]
        diabetes, insulin = int(people.diabetes[person]), int(people.insulin[person])
        born = people.birth_year[person]
        lines.append(f"{name},{born},{sex},{diabetes},{diabetes},{insulin}\n")
    return lines


def _names(block: Block) -> list[str]:
    return [name_of(block.first_person + person) for person in range(block.people.usual.size)]


def _runs(block: Block, days: Sequence[str]) -> list[Sequence[str]]:
    """Return for each person the texts of the days of the own run."""
    return [days[int(phase) : int(phase) + block.town.days] for phase in block.people.phase]
