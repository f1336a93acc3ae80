"""A centre with rotas in the clinic, as its registry file says; for tests of who is on call."""

from datetime import datetime

from clinic import registry_text
from fix_database import Clinic

from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry

CENTRE = """
[[centres]]
id = "centre"
name = "城北中心"
zone = "Asia/Shanghai"
duty_desk = "li"
duty_rota = "duty"
[[rotas]]
id = "duty"
name = "总值班"
centre = "centre"
layers = [{ members = ["wang", "li"], start = 2026-01-05, shift_days = 7 }]
[[rotas]]
id = "north"
name = "城北团队"
centre = "centre"
[[rotas.layers]]
members = ["li", "wang"]
start = 2026-01-05
days = ["workday"]
from = "08:00"
until = "18:00"
[[rotas.layers]]
rota = "duty"
"""
TWO_WAYS = (("webhook", "http://127.0.0.1:9/x"), ("smtp", "x@example.org"))


def with_centre(clinic: Clinic) -> None:
    """Apply the clinic's registry with a centre, its doctors reached in two ways each."""
    text = registry_text(
        (clinic.first, clinic.second), contacts=TWO_WAYS, duty_contacts=TWO_WAYS, rota="north"
    )
    apply_registry(clinic.dsn, parse_registry(text + CENTRE, "clinic.toml"))


def verified(clinic: Clinic, at: datetime, *doctors: str) -> None:
    """Let doctors confirm a test message to each contact."""
    clinic.rows(
        "INSERT INTO notice (notice_id, kind, doctor_id, position, channel, address, language,"
        " body, link, created_at, confirmed_at)"
        " SELECT gen_random_uuid(), 'check', doctor_id, position, channel, address, 'zh', '', '',"
        " %s, %s FROM contact WHERE doctor_id = ANY(%s)",
        at,
        at,
        list(doctors),
    )
