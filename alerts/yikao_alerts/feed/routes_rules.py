"""The rules by which the system decides, as a page that can be read, printed and signed."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from yikao_alerts.feed.rules_view import count_of, groups_of, templates_of
from yikao_alerts.feed.web import page, words_of
from yikao_alerts.rules import load_rules

router: Final = APIRouter()


@router.get("/rules")
async def rules(request: Request) -> HTMLResponse:
    """Return the page."""
    words, rules = words_of(request), load_rules()
    groups = groups_of(rules, words)
    return page(
        request,
        "rules.html",
        words,
        rules=rules,
        groups=groups,
        count=count_of(groups),
        templates=templates_of(rules, words),
        here="rules",
    )
