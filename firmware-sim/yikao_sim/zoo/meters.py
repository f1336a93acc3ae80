"""Meters whose records are no glucose, no number, at another time, or not as they seem."""

from yikao_devices import gatt
from yikao_devices.sfloat import Special
from yikao_sim.peripherals.manners import ClockPlace, Manners
from yikao_sim.zoo import records
from yikao_sim.zoo.changes import pace
from yikao_sim.zoo.expectations import Event, Refused, Stored
from yikao_sim.zoo.persona import Outcome, Persona, Visit
from yikao_sim.zoo.sources import TIDEPOOL, XDRIP_KETONE, XDRIP_METER
from yikao_sim.zoo.species import Body, MeterKind
from yikao_sim.zoo.taken import NotBlood, Sugar
from yikao_sim.zoo.words import Words

METER = gatt.GLUCOSE_SERVICE
DAY_S = 86_400.0

FASTING = Sugar(600, 5.9, meal="fasting")
LUNCH = Sugar(240, 8.7, meal="after_meal")
EVENING = Sugar(20, 6.4)
HIGH, LOW = Sugar(180, None, limit="hi"), Sugar(120, None, limit="lo")
DAY = (FASTING, LUNCH, EVENING)

PERSONAS = (
    Persona(
        "context-after-result",
        Words(
            "餐次在结果之后才到，中间还停一下。",
            "Sends the meal behind the result, with a pause between its records.",
        ),
        XDRIP_METER,
        Outcome.STORED,
        MeterKind(),
        (Visit((Stored(DAY),), takes=DAY, changes=(pace(0.3),)),),
    ),
    Persona(
        "promises-a-meal",
        Words(
            "说后面还有餐次，却从来不发，报告照样成功：结果马上入库，标明缺少餐次。",
            "Announces a meal that never comes, and reports success: the result is stored at once, "
            "and says what is missing.",
        ),
        XDRIP_METER,
        Outcome.FLAGGED,
        MeterKind(write=records.promising_a_meal),
        (
            Visit(
                (Stored((FASTING, LUNCH)), Stored((EVENING,), flags=("context_missing",))),
                takes=DAY,
            ),
        ),
    ),
    Persona(
        "control-solution",
        Words(
            "把质控液的结果同血糖存在一起；类型在低四位，位置在高四位。",
            "Stores control solution among blood; the type is in the low four bits, the place of "
            "the sample in the high ones.",
        ),
        "https://github.com/nordicsemi/Android-nRF-Connect/issues/59",
        Outcome.EVENT,
        MeterKind(write=records.control_solution),
        (
            Visit(
                (Event("control_solution"), Stored((FASTING, EVENING))),
                takes=(FASTING, NotBlood(30, 6.2), EVENING),
            ),
        ),
    ),
    Persona(
        "hi-and-lo",
        Words(
            "超出量程时只给 HI、LO 两个状态位，数值是无穷大。",
            "Beyond its range it sets a bit for HI or LO, beside the number 'infinity'.",
        ),
        f"{TIDEPOOL}/pull/158",
        Outcome.FLAGGED,
        MeterKind(),
        (Visit((Stored((HIGH, LOW)), Stored((EVENING,))), takes=(HIGH, LOW, EVENING)),),
    ),
    Persona(
        "hi-as-601",
        Words(
            "HI 旁边写着 601 mg/dL，那不是血糖值。",
            "Beside HI it writes 601 mg/dL, which is no glucose.",
        ),
        f"{TIDEPOOL}/pull/123",
        Outcome.FLAGGED,
        MeterKind(write=records.limit_as_number(0.00601)),
        (Visit((Stored((HIGH,)), Stored((EVENING,))), takes=(HIGH, EVENING)),),
    ),
    Persona(
        "hi-as-nan",
        Words("HI 旁边写着“非数字”。", "Beside HI it writes 'not a number'."),
        f"{TIDEPOOL}/pull/973",
        Outcome.FLAGGED,
        MeterKind(write=records.limit_as_number(Special.NAN)),
        (Visit((Stored((HIGH,)), Stored((EVENING,))), takes=(HIGH, EVENING)),),
    ),
    Persona(
        "filled-with-ones",
        Words(
            "没有结果就填 0xFFFF，照规则解出来是 −0.1。",
            "Fills 'no result' with 0xFFFF, which decodes to -0.1.",
        ),
        "http://pullrequest.ru/14028530/raschet-urovnya-glykozy-sfloat-bluetooth-ble-swift",
        Outcome.REFUSED,
        MeterKind(write=records.filler),
        (Visit((Refused(), Stored((EVENING,))), takes=(NotBlood(30, 5.5), EVENING)),),
    ),
    Persona(
        "shows-mmol-sends-kg",
        Words(
            "屏幕显示 mmol/L，发出来却是 kg/L。",
            "Shows mmol/L on its display and sends kg/L.",
        ),
        "https://github.com/innoveit/react-native-ble-manager/issues/1162",
        Outcome.STORED,
        MeterKind(write=records.sugar_in_kg_l),
        (Visit((Stored(DAY),), takes=DAY),),
    ),
    Persona(
        "offset-below-zero",
        Words(
            "基准时间不动，偏移是负两小时。",
            "Never moves its base time; the offset is two hours below zero.",
        ),
        "https://github.com/nordicsemi/Android-BLE-Common-Library/issues/3",
        Outcome.STORED,
        MeterKind(write=records.shifted(-120)),
        (Visit((Stored((FASTING, EVENING)),), takes=(FASTING, EVENING)),),
    ),
    Persona(
        "offset-of-a-zone",
        Words(
            "基准时间是别的时区，偏移 339 分钟，连时钟误差也在里面。",
            "Its base time is of another zone; the offset of 339 minutes holds the zone and the "
            "drift of its clock.",
        ),
        "https://github.com/nordicsemi/Android-BLE-Common-Library/issues/3",
        Outcome.STORED,
        MeterKind(write=records.shifted(339)),
        (Visit((Stored((FASTING, EVENING)),), takes=(FASTING, EVENING)),),
    ),
    Persona(
        "clock-in-the-future",
        Words(
            "时钟快了一百天。",
            "Its clock is a hundred days ahead.",
        ),
        XDRIP_METER,
        Outcome.FLAGGED,
        MeterKind(Body("ZOO-METER", METER, clock_off_s=100 * DAY_S)),
        (Visit((Stored((FASTING, EVENING), flags=("clock_error",)),), takes=(FASTING, EVENING)),),
    ),
    Persona(
        "clock-out-of-reach",
        Words(
            "时钟快一天，却没有地方可读：时间只能存疑。",
            "Its clock is a day ahead and can be read nowhere: its times remain in doubt.",
        ),
        XDRIP_METER,
        Outcome.FLAGGED,
        MeterKind(
            Body("ZOO-METER", METER, manners=Manners(clock=ClockPlace.NONE), clock_off_s=DAY_S)
        ),
        (Visit((Stored((EVENING,), flags=("clock_error",), within_s=None),), takes=(EVENING,)),),
    ),
    Persona(
        "clock-among-records",
        Words(
            "没有时间服务，时钟放在血糖服务的 0x2A08 里，慢了两小时。",
            "Has no Current Time Service: its clock, two hours behind, is at 0x2A08 in its "
            "glucose service.",
        ),
        XDRIP_METER,
        Outcome.STORED,
        MeterKind(
            Body(
                "meter+02252924",
                METER,
                "Roche",
                manners=Manners(clock=ClockPlace.DATE_TIME),
                clock_off_s=-7200,
            )
        ),
        (Visit((Stored((FASTING, EVENING)),), takes=(FASTING, EVENING)),),
    ),
    Persona(
        "ketone-as-meal-6",
        Words(
            "血酮结果混在血糖里，只有餐次 6 能认出来。",
            "Hides a ketone among its glucose; only meal number 6 in the context tells it.",
        ),
        XDRIP_KETONE,
        Outcome.EVENT,
        MeterKind(write=records.ketone_by_meal),
        (
            Visit(
                (Event("ketone_record"), Stored((FASTING, EVENING))),
                takes=(FASTING, NotBlood(30, 1.8), EVENING),
            ),
        ),
    ),
)
