"""Makers who leave the standard: in the order of bytes, in clocks and numbers, in all of it."""

from yikao_devices import gatt
from yikao_sim.peripherals.cuff import CuffBehaviour
from yikao_sim.peripherals.glucometer import MeterBehaviour
from yikao_sim.peripherals.manners import ClockPlace, Manners
from yikao_sim.peripherals.pairing import Protection, Way
from yikao_sim.zoo import records
from yikao_sim.zoo.expectations import Event, Refused, Stored
from yikao_sim.zoo.persona import Outcome, Persona, Visit
from yikao_sim.zoo.sources import BLESSED_HANDLER, BP_APP, HASS_OMRON, XDRIP_METER
from yikao_sim.zoo.species import Body, CuffKind, MeterKind
from yikao_sim.zoo.taken import Pressure, Sugar
from yikao_sim.zoo.vendor_clocks import caresens_clock, contour_clock
from yikao_sim.zoo.vendor_cuffs import MicrolifeKind, YonkerKind
from yikao_sim.zoo.words import Words

CUFF, METER = gatt.BLOOD_PRESSURE_SERVICE, gatt.GLUCOSE_SERVICE
DAY_S = 86_400.0

MORNING = Pressure(700, 132, 84, 71)
NOW = Pressure(0, 141, 90, 77)
OF_TWO = (Pressure(90, 129, 83, 64, user=0), Pressure(2, 151, 97, 88, user=1))
FASTING = Sugar(600, 5.9)
EVENING = Sugar(20, 6.4)
LATER = Sugar(0, 7.1)
BACKWARDS = tuple(Sugar(480 * n, round(5.1 + n / 10, 1)) for n in range(8, 0, -1))

PERSONAS = (
    Persona(
        "beurer-byte-order",
        Words(
            "脉搏和状态高字节在前，用户号没有标志位，平均压写成 0。",
            "Sends pulse and status high byte first, a user number without its flag, and 0 for "
            "the mean pressure.",
        ),
        f"{BP_APP}/pull/735",
        Outcome.STORED,
        CuffKind(Body("BM85", CUFF, "Beurer", "BM85"), write=records.pressure_of_beurer),
        (Visit((Stored(OF_TWO),), takes=OF_TWO),),
    ),
    Persona(
        "beurer-by-the-book",
        Words(
            "同一品牌、同一名字，字节顺序却是标准的。",
            "Has the same name as those of the odd byte order, and sends by the standard.",
        ),
        f"{BP_APP}/pull/740",
        Outcome.STORED,
        CuffKind(Body("BM54", CUFF, "Beurer", "BM54")),
        (Visit((Stored(OF_TWO),), takes=OF_TWO),),
    ),
    Persona(
        "omron-clock",
        Words(
            "慢二十分钟；只有第一次通知时间之后才许改时钟，提早改就断开。",
            "Is twenty minutes behind; it takes a new time only after it has notified its own, and "
            "hangs up on whoever writes it at once.",
        ),
        BLESSED_HANDLER,
        Outcome.STORED,
        CuffKind(
            Body(
                "X4 Smart",
                CUFF,
                "OMRON",
                manners=Manners(clock=ClockPlace.OMRON, bond_first=True),
                clock_off_s=-1200,
            )
        ),
        (
            Visit((Stored((MORNING,)),), takes=(MORNING,)),
            Visit((Stored((NOW,)),), takes=(NOW,)),
        ),
    ),
    Persona(
        "omron-by-name",
        Words(
            "广播里没有血压服务，只有名字。",
            "Does not advertise the blood-pressure service: only its name tells what it is.",
        ),
        f"{BP_APP}/issues/673",
        Outcome.STORED,
        CuffKind(Body("X2 Smart+", None, "OMRON", manners=Manners(bond_first=True))),
        (Visit((Stored((NOW,)),), takes=(NOW,)),),
    ),
    Persona(
        "omron-of-old",
        Words(
            "广播血压服务，里面却没有测量值：有用的是厂家自己的服务。",
            "Advertises the standard service and has no measurements there: the useful one is the "
            "vendor's own.",
        ),
        f"{HASS_OMRON}/issues/125",
        Outcome.ASKED,
        CuffKind(Body("HEM-7600T", CUFF, "OMRON"), CuffBehaviour(useless=True)),
        (Visit((Event("service_missing"),), takes=(NOW,)),),
    ),
    Persona(
        "microlife-frames",
        Words(
            "不说标准话：命令写到 FFF2，带校验的答复分段从 FFF1 来。",
            "Does not speak the standard: commands go to FFF2, and answers with a checksum come "
            "in pieces under FFF1.",
        ),
        f"{BP_APP}/issues/654",
        Outcome.STORED,
        MicrolifeKind(Body("BP3GY1-2N", None, "Microlife", manners=Manners(ClockPlace.NONE))),
        (
            Visit((Stored((MORNING,)),), takes=(MORNING,)),
            Visit((Stored((NOW,)),), takes=(NOW,)),
        ),
    ),
    Persona(
        "microlife-bad-sum",
        Words(
            "第一次答复的校验和不对，不能当真；再问就对。",
            "Its first answer has a wrong checksum and must not be believed; the next is right.",
        ),
        "https://github.com/joergmlpts/blood-pressure-monitor",
        Outcome.RETRIED,
        MicrolifeKind(
            Body("BP3GY1-2N", None, "Microlife", manners=Manners(ClockPlace.NONE)),
            one_bad_sum=True,
        ),
        (
            Visit((), takes=(MORNING,), interrupted=True),
            Visit((Refused(), Stored((MORNING,)))),
        ),
    ),
    Persona(
        "yonker-frames",
        Words(
            "用自己的服务发十五个字节，先发测量中的帧；时钟差好几年，改不了。",
            "Sends 15 bytes under a service of its own, behind frames of 'measuring'; its clock "
            "is years off and cannot be set.",
        ),
        f"{BP_APP}/issues/615",
        Outcome.STORED,
        YonkerKind(
            Body(
                "YK-IBPA1",
                None,
                "Yonker",
                protection=Protection(Way.NONE),
                manners=Manners(ClockPlace.NONE),
                clock_off_s=-1500 * DAY_S,
            )
        ),
        (Visit((Stored((NOW,), within_s=300),), takes=(NOW,)),),
    ),
    Persona(
        "contour-clock",
        Words(
            "时钟慢三小时，只能从厂家自己的 1026 特征设置；第二次只问新记录。",
            "Is three hours behind and can be set only through the vendor's characteristic 1026; "
            "the second time only new records are asked for.",
        ),
        BLESSED_HANDLER,
        Outcome.STORED,
        MeterKind(
            Body(
                "Contour7830H7002817",
                METER,
                "Ascensia",
                manners=Manners(ClockPlace.READ_ONLY, bond_first=True),
                clock_off_s=-3 * 3600,
                extra=contour_clock,
            )
        ),
        (
            Visit((Stored((FASTING, EVENING)),), takes=(FASTING, EVENING)),
            Visit((Stored((LATER,)),), takes=(LATER,)),
        ),
    ),
    Persona(
        "caresens-clock",
        Words(
            "时钟快一天，只有用厂家的命令才问得到、改得了。",
            "Is a day ahead; its clock is told and set only by commands of the vendor's own.",
        ),
        XDRIP_METER,
        Outcome.STORED,
        MeterKind(
            Body(
                "CareSens 0123",
                METER,
                "i-SENS",
                manners=Manners(ClockPlace.NONE),
                clock_off_s=DAY_S,
                extra=caresens_clock,
            )
        ),
        (
            Visit((Stored((FASTING, EVENING)),), takes=(FASTING, EVENING)),
            Visit((Stored((LATER,)),), takes=(LATER,)),
        ),
    ),
    Persona(
        "taidoc-backwards",
        Words(
            "编号倒着来：最新一条总是 0，编号不能当书签；时钟也读不到。",
            "Numbers its records backwards: the newest is always 0, so that numbers are no "
            "bookmark; its clock cannot be read.",
        ),
        XDRIP_METER,
        Outcome.STORED,
        MeterKind(
            Body("DIAMOND MOBILE", METER, "TaiDoc", manners=Manners(ClockPlace.NONE)),
            MeterBehaviour(counts_down=True),
        ),
        (
            Visit((Stored(BACKWARDS),), takes=BACKWARDS),
            Visit((Stored((LATER,)),), takes=(LATER,)),
        ),
    ),
)
