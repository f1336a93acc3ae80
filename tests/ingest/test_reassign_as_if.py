"""However often a registry is corrected, and whatever arrives meanwhile: it ends as if the last one
had been there from the start."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from clinic import CUFF, MINUTE, NOW, SHARED_CUFF, pressure, symptoms
from fix_database import Clinic, Intake
from fix_hypothesis import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from msgspec.structs import replace
from reassign_parts import Bound, corrects, moves

from yikao_devices import wire
from yikao_ingest.accept import Judged
from yikao_ingest.pipeline import settle
from yikao_ingest.reassign_pass import AGAIN

SECOND = timedelta(seconds=1)
TIMES = [NOW - timedelta(days=40) + MINUTE * n for n in range(5)]
PEOPLE = st.sampled_from(["zhao", "qian"])
ROWS = (
    "SELECT r::text FROM reading r ORDER BY 1",
    """SELECT received_at, patient_id, time, device_id, kind,
        jsonb_populate_record(NULL::reading, stored)::text,
        jsonb_populate_record(NULL::reading, arrived)::text FROM reading_conflict ORDER BY 1, 7""",
    "SELECT s::text FROM symptom_report s ORDER BY 1",
    "SELECT l::text FROM patient_latest l ORDER BY 1",
)
EVERYTHING = (
    *("reading_kept", "reading_conflict", "symptom_report", "patient_latest", "eval_queue"),
    *("ingest_ledger", "ingest_message", "quarantine", "reading_reassigned", "reassign_due"),
)


@st.composite
def covering(draw: st.DrawFn, device: str, user: int | None) -> list[Bound]:
    """Return bindings that name somebody for every time."""
    cuts = sorted(draw(st.sets(st.sampled_from(TIMES), max_size=2)))
    edges = [None, *cuts, None]
    return [Bound(device, draw(PEOPLE), user, since, until) for since, until in pairwise(edges)]


@st.composite
def registries(draw: st.DrawFn) -> list[Bound]:
    """Return bindings of a cuff with one user, and of one with two, with slots or for anybody."""
    users = draw(st.sampled_from([(None,), (1, 2), (None, 1)]))
    shared = [one for user in users for one in draw(covering(SHARED_CUFF, user))]
    return [*draw(covering(CUFF, None)), *shared]


def made(number: int, at: datetime, user: int | None) -> wire.Item:
    """Return a reading, now and then a report, of one cuff or the other; no two are the same."""
    device = CUFF if user is None else SHARED_CUFF
    if number % 5 == 0:
        report = symptoms("palpitations", at=at + SECOND * number, device=device)
        return replace(report, user=user)
    # What came first is not what is less.
    return pressure(200.0 - number, 80.0, at=at, device=device, user=user)


batches = st.lists(
    st.tuples(st.sampled_from(TIMES), st.sampled_from([None, 1, 2])), min_size=1, max_size=6
)
steps = st.lists(st.tuples(batches, st.booleans(), registries(), st.integers(0, 3)), max_size=3)
Step = tuple[list[tuple[datetime, int | None]], bool, list[Bound], int]


@dataclass
class Story:
    """What arrives when, under which registry, and how far each correction is carried out."""

    clinic: Clinic
    ingest: Intake
    now: datetime = NOW
    arrived: list[tuple[datetime, wire.Item]] = field(default_factory=list)
    late: list[tuple[datetime, list[Judged]]] = field(default_factory=list)

    def begins(self) -> None:
        for table in EVERYTHING:
            self.clinic.connection.execute(f"DELETE FROM {table}".encode())

    def sends(self, item: wire.Item) -> Any:
        signer = self.clinic.first if item.device == CUFF else self.clinic.second
        return signer.send(item)

    def goes_on(self, step: Step) -> None:
        """Let items arrive, some of them judged only; correct the registry, and move so much."""
        batch, in_time, registry, pieces = step
        for at, user in batch:
            self.now += SECOND
            item = made(len(self.arrived), at, user)
            self.arrived.append((self.now, item))
            self.late.append((self.now, self.ingest.judge(self.sends(item), now=self.now)))
        if in_time:
            self.commits()
        corrects(self.clinic, registry, self.now)
        moves(self.clinic, self.now, most=2, pieces=pieces)
        self.commits()

    def commits(self) -> None:
        """Let ingest store what it had judged, by the registry as it was then."""
        for at, judged in self.late:
            settle(self.ingest.store, judged, at)
        self.late = []

    def ends(self) -> list[Any]:
        """Return everything when all is done that a correction asks for."""
        for wait in (timedelta(0), *AGAIN):
            moves(self.clinic, self.now + wait, most=2)
        assert self.clinic.rows("SELECT * FROM reassign_due") == []
        return self.rows()

    def rows(self) -> list[Any]:
        return [self.clinic.connection.execute(rows.encode()).fetchall() for rows in ROWS]


@given(registries(), steps, steps.filter(bool))
@examples(6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_end_is_as_if_the_last_registry_had_been_there_from_the_start(
    clinic: Clinic, ingest: Intake, first: list[Bound], before: list[Step], after: list[Step]
) -> None:
    story = Story(clinic, ingest)
    story.begins()
    corrects(clinic, first)
    for step in before + after:
        story.goes_on(step)
    found = story.ends()
    story.begins()
    for at, item in sorted(story.arrived, key=lambda each: each[0]):
        ingest.receives(story.sends(item), now=at)
    assert found == story.rows()
