"""An 80-year-old measures 180 twice in the evening: his doctor is called once, and answers."""

from datetime import timedelta

from fix_world import World


def test_two_high_readings_page_the_doctor_once(world: World) -> None:
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
    home.episode_is("answered")
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
