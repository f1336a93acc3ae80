"""Cuffs whose records are late, repeated, failed or written in their own way."""

from yikao_devices import gatt
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.manners import ClockPlace, Manners
from yikao_sim.zoo import records
from yikao_sim.zoo.changes import can_be_reached_for, lose_link_after, pace
from yikao_sim.zoo.expectations import Event, Refused, Stored
from yikao_sim.zoo.persona import Outcome, Persona, Visit
from yikao_sim.zoo.sources import BLUETOOTH_SIG, BP_APP, BP_DOCS, HASS_OMRON, MEDISANA, XDRIP_METER
from yikao_sim.zoo.species import Body, CuffKind
from yikao_sim.zoo.taken import Failure, Pressure
from yikao_sim.zoo.words import Words

CUFF = gatt.BLOOD_PRESSURE_SERVICE
DAY_S = 86_400.0

MORNING = Pressure(720, 132, 84, 71)
NOON = Pressure(360, 128, 80, 68)
NOW = Pressure(0, 141, 90, 77)
SERIES = tuple(Pressure(30 * n, 118 + 2 * n, 76 + n, 60 + n) for n in range(12, 0, -1))

PERSONAS = (
    Persona(
        "brief-window",
        Words(
            "测量后只能连上两秒，错过就等下一次。",
            "Can be reached for two seconds after a measurement, and then no more.",
        ),
        MEDISANA,
        Outcome.STORED,
        CuffKind(behaviour=CuffBehaviour(window_s=2.0)),
        (Visit((Stored((NOW,)),), takes=(NOW,)),),
    ),
    Persona(
        "missed-window",
        Words(
            "第一次还没连上就关机；漏掉的记录下次一起发来。",
            "Is gone before it can be connected; what was missed comes with the next measurement.",
        ),
        HASS_OMRON,
        Outcome.RETRIED,
        CuffKind(),
        (
            Visit((), takes=(MORNING,), changes=(can_be_reached_for(0.03),)),
            Visit((Stored((MORNING, NOW)),), takes=(NOW,), changes=(can_be_reached_for(60),)),
        ),
    ),
    Persona(
        "newest-first",
        Words(
            "十二条存储记录从新到旧自己发来，发完立刻断开。",
            "Sends twelve stored records by itself, newest first, and hangs up after the last.",
        ),
        BP_DOCS,
        Outcome.STORED,
        CuffKind(behaviour=CuffBehaviour(newest_first=True)),
        (Visit((Stored(SERIES),), takes=SERIES),),
    ),
    Persona(
        "falls-silent",
        Words(
            "记录之间停一秒多，发完不断开，只是不再出声。",
            "Pauses between its records and never hangs up: it just says no more.",
        ),
        BP_DOCS,
        Outcome.STORED,
        CuffKind(behaviour=CuffBehaviour(hangs_up=False)),
        (Visit((Stored(SERIES[:3]),), takes=SERIES[:3], changes=(pace(1.2),)),),
    ),
    Persona(
        "deletes-what-it-sent",
        Words(
            "确认过的记录立刻删除；发到一半链路断了。",
            "Deletes each record as soon as it is confirmed; the link is lost half-way.",
        ),
        BP_DOCS,
        Outcome.RETRIED,
        CuffKind(),
        (
            Visit((), takes=SERIES, changes=(lose_link_after(5),), interrupted=True),
            Visit((Stored(SERIES),)),
        ),
    ),
    Persona(
        "sends-all-again",
        Words(
            "没有序号，每次把所有记录从头再发一遍。",
            "Has no record numbers and sends everything again each time.",
        ),
        BP_DOCS,
        Outcome.STORED,
        CuffKind(behaviour=CuffBehaviour(keeps_records=True)),
        (
            Visit((Stored(SERIES),), takes=SERIES),
            Visit((Stored((NOW,)),), takes=(NOW,)),
        ),
    ),
    Persona(
        "err-record",
        Words(
            "测量失败（Err）也当作记录发来，数值全是“非数字”。",
            "Sends a failed measurement as a record whose numbers are all 'not a number'.",
        ),
        f"{BP_APP}/issues/80",
        Outcome.EVENT,
        CuffKind(),
        (Visit((Event("measurement_failed"), Stored((NOW,))), takes=(Failure(3), NOW)),),
    ),
    Persona(
        "err-odd-exponent",
        Words(
            "“非数字”带着不该有的指数。",
            "Its 'not a number' carries an exponent, which the standard does not foresee.",
        ),
        BLUETOOTH_SIG,
        Outcome.EVENT,
        CuffKind(write=records.pressure_with_odd_nan),
        (Visit((Event("measurement_failed"),), takes=(Failure(3),)),),
    ),
    Persona(
        "signed-exponent",
        Words(
            "用负指数写压力：132 写成 1320×10⁻¹。",
            "Writes pressures with a negative exponent: 132 as 1320 x 10^-1.",
        ),
        BLUETOOTH_SIG,
        Outcome.STORED,
        CuffKind(write=records.pressure_in_tenths),
        (Visit((Stored((MORNING, NOW)),), takes=(MORNING, NOW)),),
    ),
    Persona(
        "cut-short",
        Words(
            "有一帧在日期中间断掉。",
            "One of its frames ends in the middle of the date.",
        ),
        BLUETOOTH_SIG,
        Outcome.REFUSED,
        CuffKind(write=records.cut_short_unless_even),
        (Visit((Refused(), Stored((MORNING,))), takes=(MORNING, NOW)),),
    ),
    Persona(
        "kilopascal",
        Words("设成千帕，标志位也这么说。", "Is set to kPa, and its flag says so."),
        "https://github.com/nordicsemi/IOS-nRF-Toolbox/issues/114",
        Outcome.STORED,
        CuffKind(write=records.pressure_in_kpa),
        (Visit((Stored((MORNING, NOW)),), takes=(MORNING, NOW)),),
    ),
    Persona(
        "two-users",
        Words(
            "两个人共用，第三条记录不知道是谁的（255）。",
            "Is shared by two people; of its third record it does not know whose it is (255).",
        ),
        BP_DOCS,
        Outcome.STORED,
        CuffKind(),
        (
            Visit(
                (
                    Stored(
                        (
                            Pressure(90, 131, 85, 70, user=0),
                            Pressure(60, 152, 94, 82, user=1),
                            Pressure(30, 120, 78, 66, user=255),
                        )
                    ),
                ),
                takes=(
                    Pressure(90, 131, 85, 70, user=0),
                    Pressure(60, 152, 94, 82, user=1),
                    Pressure(30, 120, 78, 66, user=255),
                ),
            ),
        ),
    ),
    Persona(
        "lives-in-2021",
        Words(
            "时钟停在五年多以前。",
            "Its clock is more than five years behind.",
        ),
        XDRIP_METER,
        Outcome.FLAGGED,
        CuffKind(Body("ZOO-CUFF", CUFF, clock_off_s=-2000 * DAY_S)),
        (Visit((Stored((NOON, NOW), flags=("clock_error",)),), takes=(NOON, NOW)),),
    ),
    Persona(
        "never-set",
        Words(
            "时钟从未设置，记录的日期全是零。",
            "Its clock was never set: the date of its record is all zeros.",
        ),
        BLUETOOTH_SIG,
        Outcome.FLAGGED,
        CuffKind(
            Body("ZOO-CUFF", CUFF, manners=Manners(clock=ClockPlace.NONE)),
            write=records.pressure_undated,
        ),
        (Visit((Stored((NOW,), flags=("clock_error",), within_s=None),), takes=(NOW,)),),
    ),
)
