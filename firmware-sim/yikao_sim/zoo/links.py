"""Devices, mostly meters, that are interrupted: by the distance, a strip, themselves or a power
cut. All records come in the end, each once."""

from yikao_devices import gatt, racp
from yikao_sim.peripherals.glucometer import MeterBehaviour
from yikao_sim.zoo import records
from yikao_sim.zoo.changes import be_busy_for, give_up_after, go_deaf_once, lose_link_after
from yikao_sim.zoo.expectations import Event, Stored
from yikao_sim.zoo.persona import Outcome, Persona, Visit
from yikao_sim.zoo.sources import (
    BLEAK,
    BUMBLE,
    GLUCOSE_SERVICE,
    XDRIP,
    XDRIP_KETONE,
    XDRIP_METER,
)
from yikao_sim.zoo.species import CuffKind, MeterKind
from yikao_sim.zoo.taken import NotBlood, Pressure, Sugar
from yikao_sim.zoo.words import Words

METER = gatt.GLUCOSE_SERVICE
MEALS = ("fasting", "after_meal", "before_meal")

NOW = Pressure(0, 141, 90, 77)
EVENING = Sugar(0, 6.4)
SUPPER = Sugar(0, 7.7, "after_meal")
MONTH = tuple(Sugar(480 * n, round(4.2 + n % 50 / 10, 1)) for n in range(90, 0, -1))
WEEK = tuple(
    Sugar(480 * n, round(5.1 + n / 10, 1), MEALS[n % len(MEALS)]) for n in range(21, 0, -1)
)

PERSONAS = (
    Persona(
        "lost-half-way",
        Words(
            "九十条记录读到第五十三条，链路断了。",
            "The link is lost at the 53rd of its ninety records.",
        ),
        GLUCOSE_SERVICE,
        Outcome.RETRIED,
        MeterKind(),
        (Visit((Stored(MONTH),), takes=MONTH, changes=(lose_link_after(53),)),),
    ),
    Persona(
        "strip-inserted",
        Words(
            "一插试纸就断开，那时刚发出第一条记录。",
            "Drops the connection when a strip goes in, which is just after its first record.",
        ),
        "https://github.com/nordicsemi/IOS-nRF-Toolbox/issues/91",
        Outcome.RETRIED,
        MeterKind(),
        (Visit((Stored(WEEK),), takes=WEEK, changes=(lose_link_after(1),)),),
    ),
    Persona(
        "cut-before-its-meal",
        Words(
            "断在第十二条结果和它的餐次之间：再读一次就有餐次，不能先存一条没有餐次的。",
            "Is cut off between its twelfth result and the meal of that: the next reading brings "
            "both, and a result stored before would shut the meal out.",
        ),
        XDRIP_METER,
        Outcome.RETRIED,
        MeterKind(),
        (Visit((Stored(WEEK),), takes=WEEK, changes=(lose_link_after(12),)),),
    ),
    Persona(
        "cut-before-its-ketone",
        Words(
            "断在血酮结果和标明它是血酮的餐次 6 之间：绝不能当血糖。",
            "Is cut off between a ketone and the meal number 6 that tells it from glucose: it must "
            "never be taken for one.",
        ),
        XDRIP_KETONE,
        Outcome.EVENT,
        MeterKind(write=records.ketone_by_meal),
        (
            Visit(
                (Event("ketone_record"), Stored((WEEK[-1], EVENING))),
                takes=(WEEK[-1], NotBlood(30, 1.8), EVENING),
                changes=(lose_link_after(2),),
            ),
        ),
    ),
    Persona(
        "gives-up",
        Words(
            "报告到一半说“未完成”，那不是成功。",
            "Ends its report half-way with 'procedure not completed', which is no success.",
        ),
        GLUCOSE_SERVICE,
        Outcome.RETRIED,
        MeterKind(),
        (Visit((Stored(MONTH),), takes=MONTH, changes=(give_up_after(40),)),),
    ),
    Persona(
        "claims-success",
        Words(
            "只发了四十条就报告成功；剩下的必须下次要回来。",
            "Reports success after forty of its ninety records; the others must be asked for "
            "again.",
        ),
        GLUCOSE_SERVICE,
        Outcome.RETRIED,
        MeterKind(),
        (
            Visit(
                (),
                takes=MONTH,
                changes=(give_up_after(40, racp.Outcome.SUCCESS),),
                interrupted=True,
            ),
            Visit((Stored(MONTH),)),
        ),
    ),
    Persona(
        "busy-with-another",
        Words(
            "第一次请求被拒：说还有一个在进行（0xFE）。",
            "Refuses the first request: another procedure still runs (0xFE).",
        ),
        GLUCOSE_SERVICE,
        Outcome.RETRIED,
        MeterKind(),
        (Visit((Stored((EVENING,)),), takes=(EVENING,), changes=(be_busy_for(1),)),),
    ),
    Persona(
        "all-or-nothing",
        Words(
            "只认“全部记录”，不认“从某号起”；每次都把旧的再发一遍。",
            "Knows 'all records' and no 'from this number on', so that old ones come every time.",
        ),
        GLUCOSE_SERVICE,
        Outcome.STORED,
        MeterKind(behaviour=MeterBehaviour(only_all=True)),
        (
            Visit((Stored(WEEK),), takes=WEEK),
            Visit((Stored((EVENING,)),), takes=(EVENING,)),
        ),
    ),
    Persona(
        "nothing-yet",
        Words(
            "一条记录也没有，这不是故障；第一条随后就到。",
            "Holds no record at all, which is no failure; its first comes the next day.",
        ),
        f"{XDRIP}/issues/634",
        Outcome.STORED,
        MeterKind(),
        (Visit(()), Visit((Stored((EVENING,)),), takes=(EVENING,))),
    ),
    Persona(
        "speaks-before-asked",
        Words(
            "已配对时，不等订阅就把最新一条发出来，餐次却要等它轮到时才发。",
            "Knows the gateway, and tells its newest record before anything is subscribed; its "
            "meal comes only in its turn.",
        ),
        f"{BLEAK}/issues/1836",
        Outcome.STORED,
        MeterKind(behaviour=MeterBehaviour(eager=True)),
        (
            Visit((Stored(WEEK[:3]),), takes=WEEK[:3]),
            Visit((Stored((SUPPER,)),), takes=(SUPPER,)),
        ),
    ),
    Persona(
        "takes-and-never-answers",
        Words(
            "接受连接后再也不回答；下一次连接正常。",
            "Takes a connection and never answers on it; the next one works.",
        ),
        BUMBLE,
        Outcome.RETRIED,
        CuffKind(),
        (Visit((Stored((NOW,)),), takes=(NOW,), changes=(go_deaf_once,)),),
    ),
    Persona(
        "gateway-without-power",
        Words(
            "读到第三十条，网关断电；重启后补齐，一条不少，一条不重。",
            "The gateway loses its power at the 30th record; after the next start none is missing "
            "and none is there twice.",
        ),
        BUMBLE,
        Outcome.RETRIED,
        MeterKind(),
        (
            Visit((), takes=MONTH, interrupted=True, killed_after=30),
            Visit((Stored(MONTH),)),
        ),
    ),
)
