"""What the forms of the on-call page ask for, checked: a word to be written down, or why not."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from yikao_alerts.rota.model import HandOver, Kind, Leave, Override
from yikao_alerts.rota.names import Centre, Names

REASON_MAX: Final = 100
"""Characters of a reason."""
SPAN_MAX: Final = timedelta(days=366)

Asked = tuple[str | None, Override | HandOver | Leave]
"""The rota, None for leave, and the word."""


def asked(
    what: str, form: Mapping[str, str], centre: Centre, names: Names, now: datetime
) -> Asked | str:
    """Return what a form asks for; a code of `oncall.said` where it cannot be.

    what: leave, handover or override. Times are on the clock of the centre.
    """
    span = _span(form, ZoneInfo(centre.zone), now)
    if span is None:
        return "bad_span"
    if not 0 < len(form.get("reason", "").strip()) <= REASON_MAX:
        return "no_reason"
    word = _word(what, form, names, span)
    if word is None:
        return "bad_choice"
    if isinstance(word, Leave):
        return None, word
    rota = names.rotas.get(form.get("rota", ""))
    return (rota.rota_id, word) if rota and rota.centre == centre.centre_id else "bad_choice"


def _span(
    form: Mapping[str, str], zone: ZoneInfo, now: datetime
) -> tuple[datetime, datetime] | None:
    try:
        begin, end = (datetime.fromisoformat(form.get(key, "")) for key in ("begin", "end"))
    except ValueError:
        return None
    begin, end = (at.replace(tzinfo=zone) if at.tzinfo is None else at for at in (begin, end))
    return (begin, end) if begin < end <= begin + SPAN_MAX and end > now else None


def _word(
    what: str, form: Mapping[str, str], names: Names, span: tuple[datetime, datetime]
) -> Override | HandOver | Leave | None:
    def doctor(key: str) -> str | None:
        named = form.get(key, "")
        return named if named in names.doctors else None

    match what:
        case "leave":
            away, substitute = doctor("away"), doctor("substitute")
            wrong = (
                away is None or away == substitute or (form.get("substitute") and not substitute)
            )
            return None if wrong or away is None else Leave(away, *span, substitute)
        case "handover":
            giver, taker = doctor("giver"), doctor("taker")
            fine = giver is not None and taker is not None and giver != taker
            return HandOver(giver, taker, *span) if fine and giver and taker else None
        case _:
            who, kind = doctor("who"), form.get("kind", "")
            known = who is not None and kind in set(Kind)
            return Override(Kind(kind), (who,), *span) if known and who else None
