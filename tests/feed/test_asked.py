"""What each doctor was called for: on the page and from `yikao burden`, the same figures."""

import csv
import io
import subprocess
import sys
from datetime import timedelta

import httpx
from fix_feed import Town

from yikao_ingest.settings import DATABASE_URL

SENT = "UPDATE page SET state = 'sent', sent_at = created_at, message_at = created_at"


def test_a_doctors_week_on_the_page_and_as_a_table(town: Town, feed_url: str) -> None:
    town.resident("r-01", "张秀英")
    town.resident("r-02", "李国强")
    town.red("r-01")
    town.red("r-02")
    assert "每位医生的呼叫" not in httpx.get(f"{feed_url}/workload").text
    town.run(SENT)
    town.run(
        "UPDATE page SET red = false, deferred = true, sent_at = NULL WHERE episode_id = %(id)s",
        id=town.episode_of("r-02"),
    )
    shown = httpx.get(f"{feed_url}/workload").text
    assert "每位医生的呼叫" in shown
    assert "每天最多呼叫 10 件" in shown
    command = [sys.executable, "-m", "yikao_ingest", "burden", "--weeks", "1"]
    said = subprocess.run(
        command, env={DATABASE_URL: town.database_url}, capture_output=True, text=True, check=True
    )
    (row,) = csv.DictReader(io.StringIO(said.stdout))
    assert row["doctor_id"] == "wang"
    assert (row["red"], row["yellow"], row["pages"], row["deferred"]) == ("1", "0", "1", "1")
    local = town.now + timedelta(hours=8)
    assert row["week"] == str((local - timedelta(days=local.weekday())).date())


def test_who_does_not_exist_burdens_nobody(town: Town, feed_url: str) -> None:
    town.resident("r-01", "自检")
    town.red("r-01")
    town.run(SENT)
    town.run("UPDATE resident SET synthetic = true")
    for path in ("/workload", "/", "/worklist", "/operations"):
        assert "自检" not in httpx.get(f"{feed_url}{path}").text, path
    assert "每位医生的呼叫" not in httpx.get(f"{feed_url}/workload").text
    assert httpx.get(f"{feed_url}/residents/r-01").status_code == 404
