"""Clocks over the simulated air: batteries that are changed, links that are lost in between, and a
gateway that does not know the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway_parts import HOME, items_of, outbox_in
from stage import NOON, Stage, address, on_air

from yikao_devices.clock_epochs import CLOCK_ERROR
from yikao_devices.models import GENERIC_CUFF, GENERIC_METER, Model
from yikao_devices.story_clock import Clock
from yikao_devices.wire import BloodPressureReading, GlucoseReading
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.choice import Target
from yikao_gateway.visits.known_devices import KnownDevices
from yikao_gateway.visits.release import release
from yikao_gateway.visits.visit import Visit, Visitor

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
ANEW = datetime(2000, 1, 1, tzinfo=UTC)
"""What a clock shows after its battery was changed."""


@dataclass
class House:
    """A gateway on the stage's air; its machine's clock is `wall`, the stage's is noon."""

    gateway: object
    outbox: Outbox
    wall: datetime = NOON
    clock: HomeClock = field(init=False)

    def __post_init__(self) -> None:
        self.devices = KnownDevices(self.outbox._database)
        self.starts()

    def starts(self) -> None:
        self.clock = HomeClock(HOME, lambda: self.wall.timestamp(), lambda: 0.0, Clock())
        self.clock.not_before(self.devices.newest())

    async def visits(self, device: object, model: Model) -> Visit:
        visitor = Visitor(
            self.gateway.radio,  # type: ignore[attr-defined]
            self.outbox,
            self.devices,
            self.clock,
            line=lambda: self.clock.line,
        )
        return await visitor.visit(Target(address(device), model))

    def times(self) -> list[timedelta]:
        """How long before noon each reading was measured, in the order of storing."""
        return [NOON - each.measured_at for each in self.readings()]

    def readings(self) -> list[BloodPressureReading | GlucoseReading]:
        items = items_of(self.outbox)
        return [i for i in items if isinstance(i, BloodPressureReading | GlucoseReading)]


@contextmanager
def house(stage: Stage, gateway: object) -> Iterator[House]:
    with outbox_in(stage.folder) as outbox:
        yield House(gateway, outbox)


def anew_s(changed: datetime) -> float:
    """How far a clock is off that began with `ANEW` when its battery was changed."""
    return (ANEW - (changed + timedelta(hours=8))).total_seconds()


@on_air()
async def test_a_battery_that_was_changed_between_a_meters_records(stage: Stage) -> None:
    """The stage's time stands still at noon, so its clocks are put where they would have been."""
    meter, air, home = stage.home.meter, stage.air, stage.home
    assert meter is not None
    clock = meter.peripheral.clock
    with house(stage, await stage.gateway()) as h:
        # Two days ago: a first record, and a visit that found the clock 8 s slow.
        h.wall, clock.offset_s = NOON - 48 * HOUR, -48 * 3600.0 - 8
        await air.measure_glucose(home, 5.1, at=NOON - HOUR)
        assert await h.visits(meter, GENERIC_METER) == Visit(1, None)
        # Today: two records, the battery, two more.
        clock.offset_s = -8.0
        await air.measure_glucose(home, 5.2, at=NOON - 4 * HOUR)
        await air.measure_glucose(home, 5.3, at=NOON - 3 * HOUR)
        clock.offset_s = anew_s(NOON - 2 * HOUR)
        await air.measure_glucose(home, 5.4, at=NOON - HOUR)
        await air.measure_glucose(home, 5.5, at=NOON - HOUR / 2)
        h.wall = NOON
        assert await h.visits(meter, GENERIC_METER) == Visit(4, None)
        wanted = [49 * HOUR, 4 * HOUR, 3 * HOUR, HOUR, HOUR / 2]
        for one, other in zip(h.times(), wanted, strict=True):
            assert abs(one - other) <= 2 * SECOND
        assert [each.flags for each in h.readings()] == [(), (), (), *[(CLOCK_ERROR,)] * 2]
        assert all(each.doubt_s < 20 for each in h.readings())


@on_air()
async def test_what_a_lost_link_left_unread_is_dated_by_the_clock_as_it_was(stage: Stage) -> None:
    """The clock was an hour slow and was set; then the link was lost in mid-drain."""
    meter = stage.home.meter
    assert meter is not None
    meter.peripheral.clock.offset_s = -3600.0
    for hours in (4, 3, 2, 1):
        await stage.air.measure_glucose(stage.home, 5.0 + hours, at=NOON - timedelta(hours=hours))
    meter.peripheral.faults.drop_link_after = 2
    with house(stage, await stage.gateway()) as h:
        assert (await h.visits(meter, GENERIC_METER)).problem == "disconnected_early"
        assert abs(meter.peripheral.clock.offset_s) <= 1
        assert (await h.visits(meter, GENERIC_METER)).problem is None
        wanted = [timedelta(hours=hours) for hours in (4, 3, 2, 1)]
        for one, other in zip(sorted(h.times(), reverse=True), wanted, strict=True):
            assert abs(one - other) <= 2 * SECOND


@on_air()
async def test_a_gateway_that_does_not_know_the_time_sets_nobodys_clock(stage: Stage) -> None:
    cuff = stage.home.cuff
    assert cuff is not None
    await stage.air.measure_blood_pressure(stage.home, 131, 80, 70)
    with house(stage, await stage.gateway()) as h:
        h.wall = datetime.fromtimestamp(0, UTC)
        h.starts()
        assert (await h.visits(cuff, GENERIC_CUFF)).problem is None
        assert cuff.peripheral.clock.offset_s == 0.0
        assert h.readings() == []
        h.wall = NOON
        assert h.clock.settle()
        assert release(h.outbox, h.devices, h.clock) == 1
        (reading,) = h.readings()
        assert abs(NOON - reading.measured_at) <= SECOND
        assert reading.flags == ()
