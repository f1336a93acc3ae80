"""Whoever opens an alert made of readings that were another's is told, on a desk and by a link."""

import httpx
import psycopg
from fix_feed import Town, elsewhere

from yikao_alerts.amended import AMENDED, RETURNED, Correction, amend


def test_the_doctor_is_told_until_the_readings_have_come_back(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    episode = town.red("r-01")
    ((patient_id, key, at),) = town.run(
        "SELECT patient_id, used ->> 'key', (used ->> 'at')::timestamptz"
        " FROM finding, jsonb_array_elements(evidence -> 'readings') used LIMIT 1"
    )

    async def corrected(event: str) -> None:
        async with await psycopg.AsyncConnection.connect(town.database_url) as conn:
            by = Correction("v-1", "chen", town.now)
            assert await amend(conn, patient_id, {key: at}, event, by) == 1
            assert await amend(conn, patient_id, {"other": town.now}, event, by) == 0

    with httpx.Client(base_url=feed_url) as reader:
        pages = (f"/episodes/{episode}", town.link_of(episode))
        for event, expected in ((None, False), (AMENDED, True), (RETURNED, False)):
            if event is not None:
                elsewhere(corrected(event))
            for page in pages:
                text = reader.get(page).text
                head = text[text.index("hero") : text.index("</section>", text.index("hero"))]
                assert ("改归另一位居民" in head) is expected, (event, page)
        timeline = reader.get(pages[0]).text
    assert timeline.index("登记更正，读数改归") < timeline.index("登记再次更正，读数改回")
