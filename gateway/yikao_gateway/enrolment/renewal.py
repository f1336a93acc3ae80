"""Sees to the certificate while the gateway runs: renews it in time, tells people when that fails.

At two thirds of its life it is renewed, which leaves 30 days of 90 for a network that is down. A
connection that is open stays open; the next one is made with the new certificate.
"""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from yikao_gateway.enrolment.certificate import Certificate, Phase, read_certificate
from yikao_gateway.errors import (
    EnrolmentError,
    EnrolmentRefused,
    ServerUnreachable,
    StorageError,
)
from yikao_gateway.household.alarms import Alarms
from yikao_gateway.household.home_clock import HomeClock

log = logging.getLogger(__name__)

EXPIRING: Final = "certificate_expiring"
"""Five sixths of its life are over, or all of it, and there is no next one."""
LOOK_S: Final = 60.0
RETRY_FIRST_S: Final = 60.0
RETRY_MAX_S: Final = 6 * 3600.0
"""The pause after a failure is a random part of this, so that gateways which were installed on one
day do not come at once."""
TROUBLE: Final = (ServerUnreachable, EnrolmentRefused, EnrolmentError, StorageError, OSError)


async def keep_certificate(
    file: Path,
    clock: HomeClock,
    alarms: Alarms,
    chance: Callable[[], float],
    renew: Callable[[], Certificate] | None,
) -> None:
    """Look after the certificate in `file` until cancelled.

    renew: gets the next one; None for a certificate that was made by hand. chance: 0 up to 1. While
    the time is not known nothing is done: no certificate could be judged.
    """
    failures = 0
    while True:
        wait_s, certificate = LOOK_S, None
        try:
            certificate = read_certificate(await asyncio.to_thread(file.read_bytes))
            if renew is not None and _phase(certificate, clock) in (Phase.DUE, Phase.LATE):
                certificate = await asyncio.to_thread(renew)
                failures = 0
                log.info("certificate renewed", extra={"until": certificate.ends.isoformat()})
        except TROUBLE as error:
            failures += 1
            wait_s = pause_s(failures, chance())
            log.warning("certificate not renewed", extra={"why": str(error), "again_s": wait_s})
        if certificate is not None:
            phase = _phase(certificate, clock)
            alarms.set(EXPIRING, on=phase is Phase.LATE, about="late")
            alarms.set(EXPIRING, on=phase is Phase.ENDED, about="ended: enrol with a new code")
        await asyncio.sleep(wait_s)


def pause_s(failures: int, chance: float) -> float:
    """Return how long to wait after so many failures: full jitter, at least a second."""
    longest_s = min(RETRY_MAX_S, RETRY_FIRST_S * 2.0 ** min(failures - 1, 20))
    return max(1.0, chance * longest_s)


def _phase(certificate: Certificate, clock: HomeClock) -> Phase | None:
    """Return where in its life a certificate is; None while the time is not known."""
    return certificate.phase(clock()) if clock.line is None else None
