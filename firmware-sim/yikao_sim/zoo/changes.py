"""What is done to a device of the zoo before a visit: by people, by time, by chance."""

from yikao_devices.racp import Outcome
from yikao_sim.zoo.persona import Change, Specimen
from yikao_sim.zoo.species import CuffSpecimen, MeterSpecimen


async def forget_bonds(specimen: Specimen) -> None:
    """Forget every gateway, as after new batteries or a pairing elsewhere."""
    await specimen.peripheral.forget_bonds()


async def close_pairing(specimen: Specimen) -> None:
    """Leave the pairing mode: only known gateways are let in."""
    specimen.peripheral.pairing_open = False


async def open_pairing(specimen: Specimen) -> None:
    """Enter the pairing mode, as when somebody holds the button until "P" blinks."""
    specimen.peripheral.pairing_open = True


async def go_deaf_once(specimen: Specimen) -> None:
    """Take the next link and never answer on it."""
    specimen.peripheral.faults.deaf_links = 1


def lose_link_after(records: int) -> Change:
    """Lose the next link when so many records are on their way."""

    async def change(specimen: Specimen) -> None:
        specimen.peripheral.faults.drop_link_after = records

    return change


def pace(seconds: float) -> Change:
    """Wait so long before each record."""

    async def change(specimen: Specimen) -> None:
        specimen.peripheral.faults.pace_s = seconds

    return change


def can_be_reached_for(seconds: float) -> Change:
    """Switch the radio off so long after the next measurement."""

    async def change(specimen: Specimen) -> None:
        assert isinstance(specimen, CuffSpecimen), "a meter waits until it is asked"
        specimen.window_s = seconds

    return change


def give_up_after(records: int, saying: Outcome = Outcome.PROCEDURE_NOT_COMPLETED) -> Change:
    """End the next report of a meter after so many records, with the answer `saying`."""

    async def change(specimen: Specimen) -> None:
        assert isinstance(specimen, MeterSpecimen), "only a meter reports on request"
        specimen.meter.faults.gives_up_after = records
        specimen.meter.faults.gives_up_as = saying

    return change


def be_busy_for(requests: int) -> Change:
    """Refuse so many requests to a meter as if another still ran."""

    async def change(specimen: Specimen) -> None:
        assert isinstance(specimen, MeterSpecimen), "only a meter takes requests"
        specimen.meter.faults.busy_for = requests

    return change
