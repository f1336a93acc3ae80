"""The proof that somebody can be reached: what it finds, and that it leaves no minute out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, islice
from zoneinfo import ZoneInfo

from fix_hypothesis import examples
from hypothesis import given
from hypothesis import strategies as st

from yikao_alerts.outbox.results import FAILOVER_S
from yikao_alerts.rota import Hours, Layer, Leave, Override, Rota, Rotation
from yikao_alerts.rota.coverage import (
    HOLES,
    VERIFIED_FOR,
    Method,
    Panel,
    Problem,
    Spans,
    Staffing,
    Trouble,
    problems,
)
from yikao_alerts.rota.model import Kind
from yikao_alerts.rules.policy import load_policies

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2027, 1, 4, tzinfo=UTC)
DAY = timedelta(days=1)
END = BEGIN + 14 * DAY
PROVEN = (Method("wecom", BEGIN), Method("voice", BEGIN))
DUTY = Rota("duty", ZONE, (Layer(Rotation(("li", "chen"), date(2027, 1, 4), 7)),))
TEAM = Rota("team", ZONE, (Layer(Rotation(("wang", "sun"), date(2027, 1, 4))),))
PANEL = Panel(
    "centre", "north", "wang", 400, {"team": "team", "duty_doctor": "duty"}, {"duty_desk": "desk"}
)
EVERYBODY = ("wang", "sun", "li", "chen", "desk")
GOOD = Staffing([PANEL], {"duty": DUTY, "team": TEAM}, (), dict.fromkeys(EVERYBODY, PROVEN))


def found(staffing: Staffing) -> list[Problem]:
    return problems(staffing, load_policies(), BEGIN, END)


def with_methods(doctor: str, methods: Sequence[Method]) -> Staffing:
    return replace(GOOD, methods={**GOOD.methods, doctor: methods})


def test_all_is_well() -> None:
    assert found(GOOD) == []


def test_a_leave_without_a_substitute_is_a_hole_in_the_own_doctors_step_alone() -> None:
    away = replace(GOOD, leaves=(Leave("wang", BEGIN + DAY, BEGIN + 3 * DAY),))
    (problem,) = found(away)
    assert problem == Problem(Trouble.NOBODY, ("own_doctor",), "wang", BEGIN + DAY, BEGIN + 3 * DAY)
    assert (problem.residents, problem.centres) == (400, {"centre"})


def test_hours_that_nobody_has_are_a_hole_with_its_rota() -> None:
    gap = Rota("duty", ZONE, (Layer(DUTY, Hours(frozenset({"workday"}), time(8), time(8))),))
    staffing = replace(GOOD, rotas={"duty": gap, "team": TEAM})
    spans = {(p.who, p.begin, p.end) for p in found(staffing)}
    saturday = datetime(2027, 1, 9, tzinfo=UTC)
    assert spans == {
        ("duty", saturday, saturday + 2 * DAY),
        ("duty", saturday + 7 * DAY, saturday + 9 * DAY),
    }
    covered = replace(gap, layers=(*gap.layers, Layer(DUTY)))
    assert found(replace(GOOD, rotas={"duty": covered, "team": TEAM})) == []


def test_two_methods_of_one_kind_or_one_that_is_old_are_not_enough() -> None:
    same_kind = (Method("wecom", BEGIN), Method("dingtalk", BEGIN))
    old = (Method("wecom", BEGIN), Method("voice", END - VERIFIED_FOR - DAY))
    never = (Method("wecom"), Method("voice"))
    for methods in (same_kind, old, never):
        (problem,) = found(with_methods("desk", methods))
        assert (problem.trouble, problem.roles, problem.who) == (
            Trouble.UNPROVEN,
            ("duty_desk",),
            "desk",
        )
    (problem,) = found(with_methods("desk", ()))
    assert problem.trouble is Trouble.NO_WAY


def test_what_one_deed_mends_is_one_line_however_often_it_comes_up() -> None:
    lines = found(with_methods("sun", (Method("wecom", BEGIN),)))
    assert [(p.trouble, p.roles, p.who, p.residents) for p in lines] == [
        (Trouble.UNPROVEN, ("team",), "sun", 400)
    ]


def test_one_person_in_several_steps_is_one_line() -> None:
    lines = found(with_methods("wang", (Method("wecom", BEGIN),)))
    assert [(p.trouble, p.roles, p.residents) for p in lines] == [
        (Trouble.UNPROVEN, ("own_doctor", "team"), 400)
    ]


def test_panels_are_added_up() -> None:
    other = replace(PANEL, team="south", residents=100)
    staffing = replace(with_methods("desk", ()), panels=[PANEL, other])
    (problem,) = found(staffing)
    assert problem.residents == 500


def test_who_is_on_call_alone_and_a_team_without_a_rota_are_warnings() -> None:
    alone = Rota("duty", ZONE, (Layer(Rotation(("li",), date(2027, 1, 4))),))
    (problem,) = found(replace(GOOD, rotas={"duty": alone, "team": TEAM}))
    assert (problem.trouble, problem.who, problem.hole) == (Trouble.SINGLE, "duty", False)
    panel = replace(PANEL, rotas={"duty_doctor": "duty"})
    (problem,) = found(replace(GOOD, panels=[panel]))
    assert (problem.trouble, problem.who, problem.hole) == (Trouble.NO_ROTA, "north", False)


def test_contacts_that_the_next_step_cuts_off_are_told() -> None:
    five_minutes = int(300 / FAILOVER_S) + 2
    many = tuple(islice(cycle((Method("voice", BEGIN), Method("sms", BEGIN))), five_minutes))
    lines = found(with_methods("wang", many))
    assert [(p.trouble, p.roles, p.who) for p in lines] == [
        (Trouble.CUT_OFF, ("own_doctor",), "wang"),
        (Trouble.CUT_OFF, ("team",), "wang"),
    ]


def test_holes_come_before_warnings() -> None:
    alone = Rota("duty", ZONE, (Layer(Rotation(("li",), date(2027, 1, 4))),))
    staffing = replace(with_methods("desk", ()), rotas={"duty": alone, "team": TEAM})
    assert [p.hole for p in found(staffing)] == [True, False]


spans = st.tuples(st.integers(-48, 400), st.integers(1, 200)).map(
    lambda s: (BEGIN + timedelta(hours=s[0]), BEGIN + timedelta(hours=s[0] + s[1]))
)
people = st.sampled_from(EVERYBODY)
leaves = st.lists(
    st.tuples(people, spans, st.none() | people).map(lambda v: Leave(v[0], *v[1], v[2])), max_size=6
).map(tuple)
removed = st.lists(
    st.tuples(people, spans).map(lambda v: Override(Kind.REMOVE, (v[0],), *v[1])), max_size=3
).map(tuple)


@given(leaves, removed)
@examples(25)
def test_no_minute_without_somebody_is_left_out(
    leaves: tuple[Leave, ...], words: tuple[Override, ...]
) -> None:
    rotas = {
        "duty": replace(DUTY, leaves=leaves, words=words),
        "team": replace(TEAM, leaves=leaves),
    }
    staffing = replace(GOOD, leaves=leaves, rotas=rotas)
    proof = Spans(staffing, BEGIN, END)
    told = [p for p in found(staffing) if p.trouble in HOLES]
    for role in ("own_doctor", "team", "duty_doctor", "duty_desk"):
        for shift in proof.of(PANEL, role) or ():
            covering = [
                p
                for p in told
                if p.roles == (role,) and p.begin and p.end and p.begin <= shift.begin < p.end
            ]
            assert bool(covering) == (not shift.doctors)
