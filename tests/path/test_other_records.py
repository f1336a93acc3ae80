"""What a home sends besides pressures: a low glucose, an error, a message nobody understands."""

import json
import urllib.request

import paho.mqtt.publish
from fix_world import World
from paho.mqtt.client import MQTTv5

from yikao_ingest.settings import BROKER_URL


def test_a_low_glucose_pages_at_once_and_an_error_is_no_reading(world: World) -> None:
    home = world.new_home()
    home.measures_glucose(2.6)
    home.phone_rings("own")
    assert "15" in home.is_asked_again()["text"]
    assert home.readings() == [("glucose", None, None, 2.6)]

    world.control(do="fail", home=home.name)
    events = "SELECT code FROM device_event WHERE gateway_id = %s"
    world.until(
        lambda: world.query(events, f"gw-{home.name}") == [("measurement_failed",)],
        "the failed measurement is told",
    )
    assert len(home.readings()) == 1


def test_a_message_nobody_understands_is_kept_and_shown(world: World) -> None:
    address = world._serving.environ[BROKER_URL].removeprefix("mqtt://").split(":")
    paho.mqtt.publish.single(
        "v1/demo/gw-h1/reading/blood_pressure",
        b"\xff\x00 not ours",
        qos=1,
        hostname=address[0],
        port=int(address[1]),
        protocol=MQTTv5,
    )
    kept = "SELECT payload FROM quarantine WHERE reason = 'unsigned'"
    world.until(lambda: world.query(kept) == [(b"\xff\x00 not ours",)], "it is in quarantine")
    with urllib.request.urlopen(f"{world.feed_url}/operations", timeout=10) as page:
        assert "gw-h1" in page.read().decode()
    with urllib.request.urlopen(f"{world.feed_url}/healthz", timeout=10) as page:
        assert json.loads(page.read())
