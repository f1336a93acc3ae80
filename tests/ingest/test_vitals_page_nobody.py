"""Weight, temperature, oximetry and heart rate change nothing that is decided about a resident.

The same weeks are told twice, in two databases: once by cuff and meter alone, and once with a
scale, a thermometer, an oximeter and a strap beside them, whose numbers would wake any doctor.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from clinic import CUFF, METER, MINUTE, NOW, SHARED_CUFF, event, pressure
from fix_database import Clinic, Intake, clinic_in, database_on
from fix_watch import Watch
from reassign_parts import Bound, corrects, moves
from test_daily_live import SHANGHAI
from test_daily_silence import FIRST, LAST, Mornings
from vitals import heart_rate, oximetry, temperature, weight

from yikao_alerts.answer import Disposition
from yikao_alerts.rules import RuleSet
from yikao_devices import wire
from yikao_ingest.daily_rows import beginning
from yikao_ingest.partitions import months, partition

PROFILE = """
    INSERT INTO resident_profile (patient_id, valid_from, groups, targets, options, set_by)
    SELECT patient_id, '2020-01-01Z', '{heart_failure,copd}', '{}', '{}', 'registry' FROM resident
"""
RELEASED = """
    INSERT INTO reading_released (patient_id, reading_id, time, kind, device_id, at)
    SELECT patient_id, gen_random_uuid(), time, kind, device_id, %s FROM reading
    WHERE NOT judged(kind)
"""
METER_OF_QIAN = (
    *(Bound(CUFF, "zhao"), Bound(METER, "qian")),
    *(Bound(SHARED_CUFF, "qian", user=1), Bound(SHARED_CUFF, "zhao", user=2)),
)
DECIDED = "SELECT lane, seq, body, hash FROM decision ORDER BY decision_id"
FOLLOWS = (
    "SELECT rule_id, state, confirmed, severity, opened_at, closed_at FROM episode ORDER BY 1, 5",
    "SELECT rule_id, trigger_key, confirmed, found_at FROM finding ORDER BY 1, 2, 3",
    "SELECT doctor_id, step, loop, channel, state, body, created_at FROM page ORDER BY 7, 2, 3, 1",
    "SELECT device, do_what, text_zh, created_at, expires_at FROM command ORDER BY 4, 1, 2",
    "SELECT rule_id, opened_day, ended_day, evidence, closed_why FROM worklist_entry ORDER BY 2, 1",
    "SELECT patient_id, due_at FROM eval_timer ORDER BY 1",
    "SELECT * FROM eval_queue",
    "SELECT * FROM resident_day ORDER BY patient_id, day",
    "SELECT * FROM trend_state ORDER BY patient_id, signal, through_day",
    "SELECT * FROM resident_habit ORDER BY patient_id",
    "SELECT * FROM label ORDER BY patient_id, at",
    "SELECT * FROM daily_progress ORDER BY patient_id",
    "SELECT * FROM reading_doubt ORDER BY patient_id, measured_at",
    "SELECT * FROM season_index ORDER BY panel, day",
)


@pytest.fixture
def clinics(postgres_dsn_root: str, migrated_template: str) -> Iterator[tuple[Clinic, Clinic]]:
    """The clinic twice: without and with the other devices."""
    on = database_on(postgres_dsn_root, migrated_template)
    other = database_on(postgres_dsn_root, migrated_template)
    with on as one_dsn, other as other_dsn, clinic_in(one_dsn) as one, clinic_in(other_dsn) as two:
        for clinic in (one, two):
            clinic.rows(PROFILE)
            for month in months(beginning(FIRST + 28 * n, SHANGHAI) for n in range(-1, 4)):
                name, start, end = partition(month)
                clinic.connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF reading_kept"
                    f" FOR VALUES FROM ('{start}') TO ('{end}')".encode()
                )
        yield one, two


def alarming(at: datetime) -> tuple[wire.Reading, ...]:
    """Return what would call somebody, what cannot be, and what comes a week late."""
    kg = 60.0 + (at - NOW) / timedelta(days=1) % 50
    late = at - timedelta(days=7)
    return (
        *(weight(kg, at=at), temperature(41.5, at=at), oximetry(79.0, at=at)),
        *(heart_rate(210.0, at=at, flags=("clock_error",)), oximetry(70.0, at=late)),
        *(heart_rate(250.0, at=at - MINUTE), temperature(50.0, at=late), weight(2.0, at=late)),
    )


def everything(clinic: Clinic) -> list[Any]:
    """Return all that was decided, byte for byte, and all that followed."""
    return [clinic.rows(statement) for statement in (DECIDED, *FOLLOWS)]


def a_night(clinic: Clinic, rules: RuleSet, *, vitals: bool) -> list[Any]:
    """Tell of a crisis, a low, symptoms, late readings and an answer."""
    watch = Watch(clinic, rules)

    def minute(at: float, *items: wire.Item) -> None:
        watch.until(at)
        if vitals:
            watch.arrives(*alarming(watch.now))
        if items:
            watch.arrives(*items)
        if vitals:
            watch.arrives(*alarming(watch.now + 2 * MINUTE))
        watch.decides()

    def measures_both(at: datetime) -> None:
        qian = pressure(128, 82, at=at, device=SHARED_CUFF, user=1)
        zhao = pressure(128, 82, at=at)
        watch.intake.receives(clinic.first.send(zhao), clinic.second.send(qian), now=at)

    for days in (7, 5, 3):
        measures_both(NOW - timedelta(days=days))
    if vitals:
        watch.arrives(*alarming(NOW))
        clinic.rows(RELEASED, NOW)
    minute(0, pressure(186, 112, at=watch.now))
    minute(2, pressure(184, 110, at=NOW + 2 * MINUTE))
    minute(5)
    watch.answers("wang", Disposition.CALLED)
    minute(22, pressure(182, 111, at=NOW + 22 * MINUTE))
    minute(30, pressure(150, 90, at=NOW + 25 * MINUTE), pressure(400, 90, at=NOW + 26 * MINUTE))
    minute(31, event("call_me", at=NOW + 31 * MINUTE))
    minute(60)
    watch.pricks(2.9)
    minute(61)
    watch.reports("chest_pain_or_tightness")
    minute(62, pressure(171, 99, at=NOW - timedelta(hours=3)))
    corrects(clinic, METER_OF_QIAN, watch.now)
    moves(clinic, watch.now)
    watch.until(64)
    measures_both(watch.now)
    minute(65)
    minute(60 * 26)
    watch.intake.store.close()
    return everything(clinic)


def test_a_nights_decisions_are_the_same_byte_for_byte(
    clinics: tuple[Clinic, Clinic], rules: RuleSet
) -> None:
    without, beside = (
        a_night(c, rules, vitals=v) for c, v in zip(clinics, (False, True), strict=True)
    )
    assert len(without[0]) > 5
    assert without == beside
    kept = "SELECT kind, count(*) FROM reading GROUP BY 1 ORDER BY 1"
    assert [kind for kind, _ in clinics[1].rows(kept)] == [
        *("blood_pressure", "glucose", "heart_rate", "oximetry", "temperature", "weight"),
    ]
    assert clinics[1].one("SELECT count(*) FROM quarantine WHERE reason = 'implausible'") > 1


def weeks(clinic: Clinic, rules: RuleSet, *, vitals: bool) -> list[Any]:
    """Tell of four weeks of pressures every other day, and of twelve days after them with none."""
    mornings = Mornings(clinic, rules)
    intake = Intake(clinic, rules)
    if vitals:
        at = beginning(FIRST - 3, SHANGHAI)
        own = (weight(at=at), temperature(at=at, device=SHARED_CUFF, user=1))
        intake.receives(clinic.first.send(own[0]), clinic.second.send(own[1]), now=at)
    mornings.measures(*range(FIRST, LAST + 1, 2))
    for day in range(FIRST, LAST + 13):
        if vitals:
            # Every day, in the evening, when this cuff is never used.
            at = beginning(day, SHANGHAI) + timedelta(hours=14)
            intake.receives(clinic.first.send(*alarming(at)), now=at)
        if day >= LAST - 2:
            mornings.morning(day)
    # What only those devices measured changes hands, and then the cuff speaks again.
    corrects(clinic, METER_OF_QIAN, mornings.now)
    moves(clinic, mornings.now)
    mornings.morning(LAST + 13)
    mornings.measures(LAST + 14)
    mornings.morning(LAST + 15)
    intake.store.close()
    return [*everything(clinic), mornings.entries(), mornings.said(), mornings.label()]


def test_who_only_weighs_is_silent_and_days_are_closed_as_without(
    clinics: tuple[Clinic, Clinic], rules: RuleSet
) -> None:
    without, beside = (
        weeks(c, rules, vitals=v) for c, v in zip(clinics, (False, True), strict=True)
    )
    assert without == beside
    ((evidence, _, closed_why),) = without[-3]
    assert (evidence["what"], closed_why) == ("silence", "ended")
