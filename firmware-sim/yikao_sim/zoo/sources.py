"""Where people met the devices of the zoo and wrote it down."""

BP_APP = "https://github.com/derdilla/blood-pressure-monitor-fl"
BP_DOCS = f"{BP_APP}/blob/main/docs/bluetooth.md"
BP_READER = f"{BP_APP}/blob/main/app/lib/features/bluetooth/logic/ble_read_cubit.dart"
MEDISANA = "https://github.com/Rudertier/medisana_blood_pressure"
HASS_OMRON = "https://github.com/eigger/hass-omron"
XDRIP = "https://github.com/NightscoutFoundation/xDrip"
XDRIP_METER = (
    f"{XDRIP}/blob/master/app/src/main/java/com/eveningoutpost/dexdrip/services/"
    "BluetoothGlucoseMeter.java"
)
XDRIP_KETONE = (
    f"{XDRIP}/blob/master/app/src/test/java/com/eveningoutpost/dexdrip/glucosemeter/caresens/"
    "ContextRxTest.java"
)
BLESSED = "https://github.com/weliem/blessed-android"
BLUETOOTH_SIG = "https://github.com/RonanB96/bluetooth-sig-python"
"""A library that decodes signed exponents, special numbers and short payloads wrongly."""
TIDEPOOL = "https://github.com/tidepool-org/uploader"
BLEAK = "https://github.com/hbldh/bleak"
BUMBLE = "https://github.com/google/bumble"
GLUCOSE_SERVICE = (
    "https://www.bluetooth.com/wp-content/uploads/Files/Specification/HTML/GLS_v1.0.1/out/en/"
    "index-en.html"
)
"""Section 3.4: the answers of a Record Access Control Point."""
WEIGHT_SCALE_SERVICE = "https://www.bluetooth.com/specifications/specs/weight-scale-service-1-0-1/"
"""Section 3.2: the weight by which a scale says that it could not weigh."""
INFINITIME = "https://github.com/InfiniTimeOrg/InfiniTime"
BLESSED_HANDLER = (
    f"{BLESSED}/blob/master/app/src/main/java/com/welie/blessedexample/BluetoothHandler.java"
)
