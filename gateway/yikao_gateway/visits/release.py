"""Makes items of what sessions left behind on the disk, and decides when it is time for that.

A session leaves frames behind when the gateway dies, when it does not know the time, and when the
link is lost between a result and its context. That context may say that the result is no glucose
at all, and a stored reading is never changed. So such a result waits until its device was read to
its end, which brings the whole record again, but not for long. The frames on the disk are the
truth: a restart changes nothing of this.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from yikao_devices.assembler import Assembler
from yikao_devices.clock_epochs import ClockSeen
from yikao_devices.models import Model, model_named, standard_of
from yikao_devices.wire import Item
from yikao_gateway.household.home_clock import HomeClock
from yikao_gateway.store.frames import KeptFrame
from yikao_gateway.store.outbox import Outbox
from yikao_gateway.visits.dating import awaits_context, feed, later, whole_first
from yikao_gateway.visits.known_devices import KnownDevices

CONTEXT_WAIT: Final = timedelta(minutes=2)
"""How long a result waits for its context. A lost link is tried again within seconds, and a meter
that hung up for a strip is back within a minute; no longer may a very low glucose be kept back."""
UNSET: Final = "unset"
"""How the name of a session begins in which the gateway did not know the time."""

Sessions = Mapping[str, list[KeptFrame]]
"""Frames by the name of their session, in order of arrival; none is empty."""


def session_name(line: str | None) -> str:
    """Return a new session's name. line: the run of a gateway's clock that is not set."""
    return f"{UNSET} {line} {uuid4().hex}" if line else uuid4().hex


def release(
    outbox: Outbox,
    devices: KnownDevices,
    clock: HomeClock,
    visited: Collection[str] = (),
    *,
    undated: bool = False,
    at_end: bool = False,
) -> int:
    """Make items of the frames whose time has come; return how many of them are new.

    visited: devices that are being read now; theirs are left alone. undated: also of what the
    time is not known for. at_end: of everything, for no device will be read any more.
    """
    if clock.line is not None and not (undated or at_end):
        return 0
    new = 0
    for device, sessions in _by_device(outbox.leftovers(visited)).items():
        drained_at = devices.drained_at(device)
        due = [
            session
            for session, frames in sessions.items()
            if at_end or not may_become_whole(frames[-1], _now_there(session, clock), drained_at)
        ]
        if due:
            known = devices.get(device)
            items = _items_of(sessions, due, clock, known.clock if known is not None else None)
            new += outbox.release(due, items, clock())
    return new


def may_become_whole(last: KeptFrame, now: datetime | None, drained_at: datetime | None) -> bool:
    """Return whether the context of a session's last frame may still come, by another session.

    now: by the clock by which the frame arrived; None: nobody knows. drained_at: when the device
    was read to its end, if the last visit did that.
    """
    if now is None or not awaits_context(last):
        return False
    if drained_at is not None and drained_at > last.arrived_at:
        return False
    # A clock that was put back must not make it wait for longer either.
    return abs(now - last.arrived_at) < CONTEXT_WAIT


def _by_device(left: Sessions) -> dict[str, dict[str, list[KeptFrame]]]:
    devices: dict[str, dict[str, list[KeptFrame]]] = {}
    for session, frames in left.items():
        devices.setdefault(frames[0].device, {})[session] = frames
    return devices


def _items_of(
    sessions: Sessions, due: Collection[str], clock: HomeClock, seen: ClockSeen | None
) -> list[Item]:
    """Return what is whole in all sessions of a device, then what those that are due have else."""
    items: list[Item] = []
    for session, kept in sessions.items():
        frames, clock_unset = _as_they_came(session, kept, clock)
        assembler = Assembler(_model_of(frames[0]))
        # What a later visit found says nothing about an earlier one.
        before = seen if seen is not None and seen.at <= frames[0].arrived_at else None
        items += feed(assembler, frames, before, clock_unset=clock_unset)
        if session in due:
            items += assembler.finish()
    return whole_first(items)


def _as_they_came(
    session: str, frames: Sequence[KeptFrame], clock: HomeClock
) -> tuple[list[KeptFrame], bool]:
    """Return frames with the times at which they truly came, and whether nobody knows these."""
    late_s = _late_s(session, clock)
    if late_s is not None:
        return later(frames, late_s, clock.zone), False
    # The latest that it can be. What the clock was compared with nobody knows any more.
    late_s = (clock() - frames[-1].arrived_at).total_seconds()
    alone = [replace(each, device_offset_s=None) for each in frames]
    return later(alone, late_s, clock.zone), True


def _late_s(session: str, clock: HomeClock) -> float | None:
    """Return by how much the clock was late on which a session was; None: nobody knows."""
    line = _line_of(session)
    return 0.0 if line is None else clock.late_s(line)


def _now_there(session: str, clock: HomeClock) -> datetime | None:
    """Return what time it is by the clock on which a session was; None: nobody knows."""
    if clock.line is not None and _line_of(session) == clock.line:
        return clock()
    late_s = _late_s(session, clock)
    return None if late_s is None else clock() - timedelta(seconds=late_s)


def _line_of(session: str) -> str | None:
    """Return on which run of an unset clock a session was, None where the clock was set."""
    return session.split()[1] if session.startswith(f"{UNSET} ") else None


def _model_of(frame: KeptFrame) -> Model:
    """Return the entry by which the frame was taken, or the standard when it is no more."""
    return model_named(frame.model) or standard_of(frame.characteristic)
