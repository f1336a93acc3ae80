"""Devices that are particular about pairing: who may, when, with which digits, and for how long."""

from yikao_devices import gatt
from yikao_sim.peripherals.manners import Manners
from yikao_sim.peripherals.pairing import Protection, Way
from yikao_sim.zoo import records
from yikao_sim.zoo.changes import close_pairing, forget_bonds, open_pairing
from yikao_sim.zoo.expectations import Event, Stored
from yikao_sim.zoo.persona import Outcome, Persona, Visit
from yikao_sim.zoo.sources import BP_APP, BP_READER, BUMBLE, HASS_OMRON, XDRIP
from yikao_sim.zoo.species import Body, CuffKind
from yikao_sim.zoo.taken import Pressure
from yikao_sim.zoo.words import Words

CUFF = gatt.BLOOD_PRESSURE_SERVICE
DIGITS, OTHER_DIGITS = 482_915, 482_951

BEFORE = Pressure(200, 132, 84, 71)
NOW = Pressure(0, 141, 90, 77)
OF_USER = Pressure(2, 137, 88, 74, user=1)

SHOWS_DIGITS = CuffKind(
    Body("SBM69", CUFF, protection=Protection(Way.PASSKEY, DIGITS)),
)

PERSONAS = (
    Persona(
        "lost-bond",
        Words(
            "换电池后忘了网关，却肯同任何人重新配对；程序不得自行解除配对。",
            "New batteries made it forget the gateway; it would pair anew with anybody, but no "
            "program may unpair by itself.",
        ),
        f"{XDRIP}/issues/290",
        Outcome.ASKED,
        CuffKind(),
        (
            Visit((Stored((BEFORE,)),), takes=(BEFORE,)),
            Visit((Event("stale_bond"),), takes=(NOW,), changes=(forget_bonds,)),
        ),
    ),
    Persona(
        "paired-elsewhere",
        Words(
            "只记一台主机：同手机配对后，旧的配对失效，也不再接受配对。",
            "Keeps one host only: pairing with a phone replaced the gateway, and it takes no other "
            "until its button is held.",
        ),
        f"{HASS_OMRON}/issues/91",
        Outcome.ASKED,
        CuffKind(),
        (
            Visit((Stored((BEFORE,)),), takes=(BEFORE,)),
            Visit((Event("stale_bond"),), takes=(NOW,), changes=(forget_bonds, close_pairing)),
        ),
    ),
    Persona(
        "pairing-button",
        Words(
            "不按住按钮到闪“P”就不让配对。",
            "Lets nobody pair until its button is held and 'P' blinks.",
        ),
        f"{HASS_OMRON}/issues/24",
        Outcome.ASKED,
        CuffKind(),
        (
            Visit((Event("pairing_refused"),), takes=(BEFORE,), changes=(close_pairing,)),
            Visit((Stored((BEFORE,)),), changes=(open_pairing,)),
            Visit((Stored((NOW,)),), takes=(NOW,), changes=(close_pairing,)),
        ),
    ),
    Persona(
        "shows-digits",
        Words(
            "第一次配对时屏幕上显示六位数字，没人输入就不给数据。",
            "Shows six digits at the first pairing and gives nothing until somebody enters them.",
        ),
        "https://github.com/1technophile/OpenMQTTGateway/issues/806",
        Outcome.ASKED,
        SHOWS_DIGITS,
        (
            Visit((Event("passkey_needed"),), takes=(BEFORE,)),
            Visit((Stored((BEFORE,)),), passkey=DIGITS),
        ),
    ),
    Persona(
        "wrong-digits",
        Words(
            "配对码输错两位，被拒绝；改对后照常。",
            "Refuses digits that were typed wrongly, and pairs when they are put right.",
        ),
        "https://github.com/1technophile/OpenMQTTGateway/issues/806",
        Outcome.ASKED,
        SHOWS_DIGITS,
        (
            Visit((Event("wrong_passkey"),), takes=(BEFORE,), passkey=OTHER_DIGITS),
            Visit((Stored((BEFORE,)),), passkey=DIGITS),
        ),
    ),
    Persona(
        "asks-for-security",
        Words(
            "每次连上都先要求加密；已配对时只许用旧钥匙，不许重新配对。",
            "Asks for encryption on every link; a known gateway uses its key and does not pair "
            "again.",
        ),
        f"{HASS_OMRON}/issues/20",
        Outcome.STORED,
        CuffKind(Body("ZOO-CUFF", CUFF, manners=Manners(asks_for_security=True))),
        (
            Visit((Stored((BEFORE,)),), takes=(BEFORE,)),
            Visit((Stored((NOW,)),), takes=(NOW,), changes=(close_pairing,)),
        ),
    ),
    Persona(
        "old-pairing",
        Words(
            "用蓝牙 4.2 以前的旧式配对，第二次仍要靠旧钥匙加密。",
            "Pairs as devices before Bluetooth 4.2 do, and wants that key on the second day.",
        ),
        BUMBLE,
        Outcome.STORED,
        CuffKind(Body("ZOO-CUFF", CUFF, protection=Protection(Way.JUST_WORKS, legacy=True))),
        (
            Visit((Stored((BEFORE,)),), takes=(BEFORE,)),
            Visit((Stored((NOW,)),), takes=(NOW,), changes=(close_pairing,)),
        ),
    ),
    Persona(
        "no-pairing-at-all",
        Words("根本不会配对，数据谁都给。", "Cannot pair at all and gives its data to anybody."),
        f"{HASS_OMRON}/issues/125",
        Outcome.STORED,
        CuffKind(Body("ZOO-CUFF", CUFF, protection=Protection(Way.NONE))),
        (Visit((Stored((NOW,)),), takes=(NOW,)),),
    ),
    Persona(
        "bm48-in-a-hurry",
        Words(
            "没有配对的话，连上不到一秒就关机。",
            "Switches off within a second of a connection that is not bonded.",
        ),
        f"{BP_APP}/issues/566",
        Outcome.STORED,
        CuffKind(
            Body("BM48", CUFF, "Beurer", "BM48", manners=Manners(unbonded_max_s=1.0)),
            write=records.pressure_of_beurer,
        ),
        (Visit((Stored((OF_USER,)),), takes=(OF_USER,)),),
    ),
    Persona(
        "ua651-before-pairing",
        Words(
            "未配对就查询服务，会显示 E10 并关机。",
            "Shows E10 and switches off when its services are asked for before it is paired.",
        ),
        "https://github.com/weliem/blessed-bluez/issues/26",
        Outcome.STORED,
        CuffKind(Body("A&D_UA-651BLE_3D4F2A", CUFF, "A&D", manners=Manners(bond_first=True))),
        (Visit((Stored((NOW,)),), takes=(NOW,)),),
    ),
    Persona(
        "omron-before-pairing",
        Words(
            "配对之前的任何请求都会让它断开。",
            "Drops the link at the first request before it is bonded.",
        ),
        f"{HASS_OMRON}/pull/108",
        Outcome.STORED,
        CuffKind(Body("X4 Smart", CUFF, "OMRON", manners=Manners(bond_first=True))),
        (
            Visit((Stored((BEFORE,)),), takes=(BEFORE,)),
            Visit((Stored((NOW,)),), takes=(NOW,), changes=(close_pairing,)),
        ),
    ),
    Persona(
        "bm85-startled",
        Words(
            "查完服务立刻订阅就一声不吭，要等十分之一秒。",
            "Stays silent when subscribed at once after discovery: it wants a tenth of a second.",
        ),
        BP_READER,
        Outcome.STORED,
        CuffKind(
            Body("BM85", CUFF, "Beurer", "BM85", manners=Manners(settle_s=0.1)),
            write=records.pressure_of_beurer,
        ),
        (Visit((Stored((OF_USER,)),), takes=(OF_USER,)),),
    ),
)
