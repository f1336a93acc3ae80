"""Stories from the homes of one world: who measures what, who is called, and who answers."""

import json
import urllib.request
from datetime import timedelta

import paho.mqtt.publish
from fix_world import World
from paho.mqtt.client import MQTTv5

from yikao_ingest.settings import BROKER_URL


def test_two_high_readings_page_the_doctor_once(world: World) -> None:
    """An 80-year-old measures 180 twice in the evening: his doctor is called once, and answers."""
    home = world.new_home()
    home.measures(186, 112)
    prompt = home.is_asked_again()
    assert "120" in prompt["text"], "the resident is told when to call the ambulance"
    world.passes(timedelta(seconds=75))
    home.measures(184, 110)
    ring = home.phone_rings("own")
    assert "未复测" not in ring.text
    for private in ("186", "184", home.name + "（"):
        assert private not in ring.text, "a page shows nothing private"

    home.answers(ring)
    home.episode_is("watching")
    world.passes(timedelta(minutes=20))
    assert home.rang() == 1, "an answered episode stays silent"

    home.measures(150, 90)
    world.passes(timedelta(minutes=18))
    home.measures(148, 88)
    # Each round asks for two readings; a single one counts ten minutes later.
    world.passes(timedelta(minutes=11))
    home.episode_is("resolved")
    assert len(home.readings()) == 4
    tasks = (
        "SELECT rule_id, severity, closed_at FROM worklist_entry JOIN resident USING (patient_id)"
        " WHERE code = %s"
    )
    assert world.query(tasks, home.name) == [("BP-03", "today", None)], "the visit next day"


def test_a_reading_that_is_not_repeated_pages_all_the_same(world: World) -> None:
    """He measures 182 once and no more: waiting ends after ten minutes, not the care."""
    home = world.new_home()
    home.measures(182, 100)
    home.episode_is("suspected")
    asked_at = world.now()
    ring = home.phone_rings("own")
    assert "未复测" in ring.text
    assert timedelta(minutes=5) < ring.at - asked_at < timedelta(minutes=16)


def test_a_repeat_within_limits_wakes_nobody(world: World) -> None:
    home = world.new_home()
    home.measures(183, 98)
    home.is_asked_again()
    world.passes(timedelta(seconds=70))
    home.measures(176, 96)
    home.episode_is("dismissed")
    world.passes(timedelta(minutes=12))
    assert home.rang() == 0


def test_the_duty_doctor_is_called_when_nobody_answers(world: World) -> None:
    """The own doctor sleeps and is rung again; then the duty doctor is, until she answers.

    There is no centre with a rota: from the fifth minute on the team's duty doctor has all parts.
    """
    home = world.new_home()
    home.measures(210, 118)
    first = home.phone_rings("own")
    assert "未复测" in first.text, "an extreme reading pages before it is repeated"
    again = home.phone_rings("own", times=2)
    assert timedelta(minutes=1) < again.at - first.at < timedelta(minutes=8)
    second = home.phone_rings("duty")
    assert timedelta(minutes=4) < second.at - first.at < timedelta(minutes=11)
    third = home.phone_rings("duty", times=2)
    assert timedelta(minutes=2) < third.at - second.at < timedelta(minutes=11)

    home.answers(third, "referred")
    home.episode_is("answered")
    rang = home.rang()
    world.passes(timedelta(minutes=22))
    assert home.rang() == rang >= 4


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


def test_a_press_of_the_button_calls_the_doctor_and_is_confirmed_at_home(world: World) -> None:
    """Nobody has measured anything: the button alone is heard, and pressed again it is the same."""
    home = world.new_home()
    home.calls_for_help()
    ring = home.phone_rings("own")
    said = home.is_asked_again()["text"]
    assert "医生" in said
    assert "120" in said
    home.calls_for_help()
    presses = (
        "SELECT count(*), count(DISTINCT episode_id) FROM finding"
        " JOIN resident USING (patient_id) WHERE code = %s"
    )
    world.until(lambda: world.query(presses, home.name) == [(2, 1)], "both presses are counted")
    home.answers(ring)
    home.episode_is("answered")
    world.passes(timedelta(minutes=3))
    home.calls_for_help()
    home.episode_is("open")


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
