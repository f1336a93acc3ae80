"""A gateway renews its certificate by itself; where that fails, people are told in time."""

from datetime import timedelta
from pathlib import Path

from enrolment_parts import Box, Centre, broker, centre, clock_of, until_of
from fix_database import Clinic

from yikao_devices.enrolment import LIFE_DAYS
from yikao_gateway.enrolment.enrol import renew
from yikao_gateway.errors import EnrolmentRefused
from yikao_gateway.keys import load_key

LIFE = timedelta(days=LIFE_DAYS)
DUE, LATE, OVER = timedelta(days=61), timedelta(days=76), timedelta(days=91)
CERTIFICATES = "SELECT serial FROM gateway_certificate"


def enrolled(there: Centre, folder: Path, ago: timedelta) -> Box:
    """Return a gateway that was enrolled so long ago."""
    box = Box(folder, clock_of(ago))
    with there.role("enrol"):
        box.enrols(there.url, there.invites())
    there.comes_to_the_present()
    box.environ = {}
    return box


def test_it_renews_by_itself_and_once(plain_schema_url: str, short_tmp: Path) -> None:
    with centre(plain_schema_url, short_tmp, DUE) as there:
        box = enrolled(there, short_tmp / "box", DUE)
        first, key = until_of(box), box.pair.read_bytes().partition(b"PRIVATE")[2]
        with there.role("enrol"):
            with box.running():
                there.clinic.until(lambda: until_of(box) > first)
            assert until_of(box) - first > LIFE / 2
            assert box.pair.read_bytes().partition(b"PRIVATE")[2] != key, "for a key of its own"
            with box.running():
                there.clinic.until(lambda: "radio_unavailable" in box.told())
        assert len(there.clinic.rows(CERTIFICATES)) == 2, "and not again before that one is due"
        assert "certificate_expiring" not in box.told()


def test_who_was_withdrawn_or_came_too_late_gets_none(
    plain_schema_url: str, short_tmp: Path
) -> None:
    with centre(plain_schema_url, short_tmp, OVER) as there:
        box = enrolled(there, short_tmp / "box", OVER)
        with there.role("enrol"):
            assert refused(box) == "certificate_expired"
            there.withdraws()
            assert refused(box) == "gateway_withdrawn"
            there.clinic.rows("UPDATE gateway SET public_key = ''")
            assert refused(box) == "proof_wrong"


def refused(box: Box) -> str:
    """Return why there is no next certificate."""
    try:
        renew(box.state, load_key(box.state))
    except EnrolmentRefused as error:
        return error.code
    raise AssertionError("it was renewed")


def test_people_are_told_in_time(plain_clinic: Clinic, short_tmp: Path) -> None:
    with centre(plain_clinic.dsn, short_tmp, LATE) as there:
        box = enrolled(there, short_tmp / "box", LATE)
        with box.running() as said:
            there.clinic.until(lambda: "certificate_expiring" in box.told())
        assert any("does not answer" in line for line in said)
        checked = box.runs("check", "--config", str(box.config()), code=1)
        assert "FAIL  certificate" in checked and "not renewed" in checked


def test_a_certificate_that_has_ended_is_told_clearly(
    plain_schema_url: str, short_tmp: Path
) -> None:
    with centre(plain_schema_url, short_tmp, OVER) as there:
        box = enrolled(there, short_tmp / "box", OVER)
        with broker(there):
            checked = box.runs("check", "--config", str(box.config()), code=1)
            assert "it ended on" in checked and "enrol with a new code" in checked
            assert "FAIL  broker" in checked
            with box.running() as said:
                there.clinic.until(lambda: "certificate_expiring" in box.told())
        assert any("enrol with a new code" in line for line in said)
        with there.role("enrol"):
            box.enrols(there.url, there.invites())
        assert "FAIL  certificate" not in box.runs("check", "--config", str(box.config()), code=1)
