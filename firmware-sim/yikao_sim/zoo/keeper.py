"""Lets a gateway meet the personas, a few at a time, and tells of each as it is done."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from yikao_sim.errors import SimError
from yikao_sim.zoo import bonds, cuffs, links, meters, vendors, vitals
from yikao_sim.zoo.enclosure import Verdict, meet
from yikao_sim.zoo.gateway import Command
from yikao_sim.zoo.persona import Persona

PERSONAS: tuple[Persona, ...] = (
    *cuffs.PERSONAS,
    *meters.PERSONAS,
    *bonds.PERSONAS,
    *links.PERSONAS,
    *vendors.PERSONAS,
    *vitals.PERSONAS,
)


def chosen(names: Iterable[str]) -> tuple[Persona, ...]:
    """Return the personas of these names, in their own order; all for none. Raises `SimError`."""
    wanted = set(names)
    if unknown := wanted - {persona.name for persona in PERSONAS}:
        raise SimError(f"no persona {', '.join(sorted(unknown))}: see `yikao-sim zoo --list`")
    return tuple(each for each in PERSONAS if each.name in wanted or not wanted)


async def meet_all(
    personas: Sequence[Persona],
    command: Command,
    *,
    jobs: int,
    limit_s: float,
    on_verdict: Callable[[Verdict], None],
) -> list[Verdict]:
    """Return a verdict on each of `personas`, in their order; `jobs` are met at once."""
    free = asyncio.Semaphore(jobs)

    async def meet_one(persona: Persona) -> Verdict:
        async with free:
            verdict = await meet(persona, command, limit_s)
        on_verdict(verdict)
        return verdict

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(meet_one(persona)) for persona in personas]
    return [task.result() for task in tasks]
