"""What comes out of quarantine is looked at as anything that comes late: it is never news."""

from datetime import timedelta

import pytest
from clinic import CUFF
from fix_watch import Watch
from quarantine_parts import register, unregister

from yikao_ingest.quarantine_release import Release
from yikao_ingest.quarantine_store import chosen
from yikao_ingest.reasons import Reason
from yikao_ingest.replaying import Span, replay


def measures_unregistered(watch: Watch) -> None:
    """Let a crisis be measured twice by a cuff that nobody has registered."""
    unregister(watch.clinic)
    watch.measures(186, 112)
    watch.until(watch.minute + 2)
    watch.measures(184, 110)


def releases(watch: Watch) -> None:
    """Register the cuff, release, and let the evaluator look."""
    register(watch.clinic)
    store = watch.intake.store
    groups = chosen(watch.clinic.connection, ids=None, reason=None, device=CUFF)
    Release(store, store.directory(), watch.intake.rules, "op", watch.now).run(groups)
    watch.decides()


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (timedelta(minutes=5), [("page_now", "open")]),
        (timedelta(hours=3), [("today", "open")]),
        (timedelta(hours=26), []),
    ],
    ids=str,
)
def test_its_age_is_counted_until_it_was_released(
    any_watch: Watch, after: timedelta, said: list[tuple[str, str]]
) -> None:
    watch = any_watch
    measures_unregistered(watch)
    watch.until(after / timedelta(minutes=1))
    releases(watch)
    assert watch.clinic.rows("SELECT severity, state FROM episode") == said
    assert [minute for minute, *_ in watch.pages()] == [watch.minute] * len(said)
    # The times at which they were measured and received are what they were.
    assert watch.clinic.rows("SELECT received_at - time FROM reading") == [(timedelta(0),)] * 2
    refusals = watch.clinic.rows("SELECT refusals FROM decision ORDER BY decision_id")
    assert ("too_old" in str(refusals)) == (not said)


def test_what_was_decided_can_be_computed_again(watch: Watch) -> None:
    measures_unregistered(watch)
    watch.until(180)
    releases(watch)
    checked = list(replay(watch.clinic.dsn, Span(), verify=True))
    assert len(checked) > 0
    assert [difference for each in checked for difference in each.differences] == []


def test_released_it_does_not_count_as_impossible_any_more(watch: Watch) -> None:
    """A rule is corrected: what it kept away is a reading now, and that alone."""
    watch.measures(186, 112)
    watch.decides()
    # So it was judged by the rules of then.
    watch.clinic.rows("DELETE FROM reading")
    watch.clinic.rows("UPDATE ingest_ledger SET outcome = 'quarantined'")
    watch.clinic.rows(
        "INSERT INTO quarantine (received_at, gateway_id, topic, reason, detail, payload,"
        " reading_id, patient_id, measured_at)"
        " SELECT l.received_at, gateway_id, 'v1/north/gw-1/reading/blood_pressure', %s, 'DQ-01',"
        " convert_to((convert_from(payload, 'UTF8')::jsonb #> '{items,0}')::text, 'UTF8'),"
        " reading_id, %s, l.received_at"
        " FROM ingest_ledger l JOIN ingest_message USING (message_id)",
        str(Reason.IMPLAUSIBLE),
        watch.clinic.patient("zhao"),
    )
    watch.until(1)
    releases(watch)
    inputs = watch.clinic.rows("SELECT refusals FROM decision ORDER BY decision_id DESC LIMIT 1")
    assert "awaiting_repeat" in str(inputs)
