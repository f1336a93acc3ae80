"""What people at home say to the doctor: "please call me", and what they feel, as items to send.

Both ways to say it, the page and the command line, make the same items here.
"""

from datetime import datetime
from uuid import uuid4, uuid5

from yikao_devices.readings import NAMESPACE
from yikao_devices.symptoms import CALL_ME
from yikao_devices.wire import Clocks, DeviceEvent, SymptomReport


def call_for(device: str, at: datetime) -> DeviceEvent:
    """Return a call for help of whoever has `device`, or with the gateway's name of everybody.

    Two presses are two calls, also within what the clock can tell apart.
    """
    return DeviceEvent(
        reading_id=uuid4(),
        device=device,
        measured_at=at,
        doubt_s=0.0,
        clocks=Clocks(t_hub=at),
        code=CALL_ME,
    )


def report_of(device: str, symptoms: tuple[str, ...], at: datetime) -> SymptomReport:
    """Return what whoever has `device` feels; the same said at the same moment is one report."""
    name = "|".join((device, "symptom", at.isoformat(), *symptoms))
    return SymptomReport(
        reading_id=uuid5(NAMESPACE, name),
        device=device,
        measured_at=at,
        doubt_s=0.0,
        clocks=Clocks(t_hub=at),
        symptoms=symptoms,
    )
