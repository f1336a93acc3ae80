"""Pairing mode: how long it is open, whom it is open for, and who is asked for digits."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yikao_gateway.radio.ports import Advertisement
from yikao_gateway.visits.choice import NEAR_DBM, Bonding, Choice, Consent, Listed
from yikao_gateway.visits.pairing_mode import ASKING_MAX, OPEN_S, PairingMode

CUFF, OTHER = "C4:1D:00:00:00:2A", "C4:1D:00:00:00:2B"
PRESSURE = frozenset({0x1810})


def heard(rssi: int | None = -50, address: str = CUFF) -> Advertisement:
    return Advertisement(address, "BP", PRESSURE, rssi)


def test_it_is_open_for_two_minutes_and_no_longer() -> None:
    mode = PairingMode()
    assert not mode.is_open(0.0)
    mode.open(1000.0)
    assert mode.is_open(1000.0)
    assert mode.is_open(1000.0 + OPEN_S - 0.1)
    assert not mode.is_open(1000.0 + OPEN_S)


def test_one_opening_is_for_one_device() -> None:
    mode = PairingMode()
    mode.open(0.0)
    mode.has_paired(CUFF, 5.0)
    assert not mode.is_open(5.0)
    assert mode.paired == CUFF
    mode.open(10.0)
    assert mode.is_open(10.0)
    assert mode.paired is None


def test_closing_twice_is_as_closing_once() -> None:
    mode = PairingMode()
    mode.close(0.0)
    mode.open(1.0)
    mode.close(2.0)
    mode.close(300.0)
    assert mode.closes_at == 2.0


def test_digits_go_to_the_device_that_asks_and_serve_once() -> None:
    async def story() -> None:
        mode = PairingMode()
        mode.open(0.0)
        assert not mode.answer(CUFF, 123456)
        asking = asyncio.create_task(mode.ask(CUFF, 3.0))
        await asyncio.sleep(0)
        assert dict(mode.asking) == {CUFF: 3.0}
        assert not mode.answer(OTHER, 1)
        assert mode.answer(CUFF, 123456)
        assert await asking == 123456
        assert not mode.asking

    asyncio.run(asyncio.wait_for(story(), 10))


def test_an_answer_that_comes_late_serves_the_next_attempt() -> None:
    async def story() -> None:
        mode = PairingMode()
        mode.open(0.0)
        first = asyncio.create_task(mode.ask(CUFF, 3.0))
        await asyncio.sleep(0)
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        assert mode.answer(CUFF, 42)
        assert await mode.ask(CUFF, 60.0) == 42

    asyncio.run(asyncio.wait_for(story(), 10))


@pytest.mark.parametrize("passkey", [-1, 1_000_000])
def test_what_is_no_passkey_is_refused(passkey: int) -> None:
    with pytest.raises(ValueError, match="six digits"):
        PairingMode().answer(CUFF, passkey)


def test_questions_and_shown_digits_are_bounded_and_end_with_the_mode() -> None:
    async def story() -> None:
        mode = PairingMode()
        mode.open(0.0)
        asking = [asyncio.create_task(mode.ask(str(n), n)) for n in range(2 * ASKING_MAX)]
        await asyncio.sleep(0)
        for number in range(2 * ASKING_MAX):
            mode.show(str(number), number)
        assert len(mode.asking) == len(mode.showing) == ASKING_MAX
        mode.close(1.0)
        assert not mode.asking
        assert not mode.showing
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)

    asyncio.run(asyncio.wait_for(story(), 10))


def consent(choice: Choice, *, bonded: bool = False, mode_open: bool = False) -> Consent | None:
    target = choice.target(heard(), bonded=bonded, mode_open=mode_open)
    return None if target is None else target.consent


@pytest.mark.parametrize("bonding", [Bonding.LISTED, Bonding.MODE])
def test_a_stranger_is_welcome_only_while_somebody_waits_for_it(bonding: Bonding) -> None:
    choice = Choice({OTHER: Listed()}, only_listed=True, bonding=bonding)
    assert consent(choice) is None
    assert consent(choice, mode_open=True) is Consent.PRESENT
    assert consent(choice, bonded=True) is Consent.NONE


def test_a_listed_device_is_bonded_as_the_settings_say() -> None:
    listed = {CUFF: Listed()}
    assert consent(Choice(listed, True, bonding=Bonding.LISTED)) is Consent.WRITTEN
    assert consent(Choice(listed, True, bonding=Bonding.MODE)) is Consent.NONE


def test_with_nothing_listed_strangers_are_read_and_never_bonded() -> None:
    assert consent(Choice({}, False, bonding=Bonding.LISTED)) is Consent.NONE


@given(rssi=st.one_of(st.none(), st.integers(-127, 20)))
def test_a_stranger_from_the_next_flat_is_not_paired(rssi: int | None) -> None:
    choice = Choice({OTHER: Listed()}, only_listed=True, bonding=Bonding.LISTED)
    target = choice.target(heard(rssi), mode_open=True)
    assert (target is None) == (rssi is not None and rssi < NEAR_DBM)
