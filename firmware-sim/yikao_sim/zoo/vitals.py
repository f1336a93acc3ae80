"""Scales and straps that write down what is no number as if it were one."""

from yikao_sim.zoo.expectations import Event, Stored
from yikao_sim.zoo.persona import Outcome, Persona, Visit
from yikao_sim.zoo.sources import INFINITIME, WEIGHT_SCALE_SERVICE
from yikao_sim.zoo.species_vitals import ScaleKind, StrapKind, zero_every_second_time
from yikao_sim.zoo.taken import Beats, Failure, Weighing
from yikao_sim.zoo.words import Words

MORNING = Weighing(600, 71.3)
RESTING = Beats(0, 64)

PERSONAS = (
    Persona(
        "could-not-weigh",
        Words(
            "称重失败写成 0xFFFF，照规则解出来是 327.675 公斤。",
            "Writes a failed weighing as 0xFFFF, which reads as 327.675 kg.",
        ),
        WEIGHT_SCALE_SERVICE,
        Outcome.EVENT,
        ScaleKind(),
        (Visit((Event("measurement_failed"), Stored((MORNING,))), takes=(MORNING, Failure(2))),),
    ),
    Persona(
        "zero-for-no-signal",
        Words(
            "信号不好时发心率 0，没有别的说法；每一秒都发，直到取下。",
            "Sends a heart rate of 0 where it found no clean signal, for it has no other way to "
            "say so; and a number every second until it is taken off.",
        ),
        f"{INFINITIME}/issues/1881",
        Outcome.STORED,
        StrapKind(zero_every_second_time),
        (Visit((Stored((RESTING,)),), takes=(RESTING,)),),
    ),
)
