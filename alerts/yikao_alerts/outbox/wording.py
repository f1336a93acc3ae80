"""The words of what goes out: of several pages together, and of a page that takes another way.

Whatever is wrong with the facts of one page, a page goes out: with the words it was made with.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from yikao_alerts.channels.kinds import KIND_OF
from yikao_alerts.compose import PageFacts, compose, compose_bundle, facts_from_json
from yikao_alerts.links import short_link

log = logging.getLogger(__name__)


def bundled(first: Mapping[str, Any], told: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of a message of several pages; of a single one, for which `told` is empty,
    its own."""
    if not told:
        return str(first["body"])
    try:
        facts = [_facts_of(page) for page in told]
        return compose_bundle(facts, first["language"], _kind(first["channel"]))
    except Exception:  # the link opens them all
        log.exception("pages not worded together", extra={"page_id": str(first["page_id"])})
        return str(first["body"])


def _facts_of(page: Mapping[str, Any]) -> PageFacts:
    """Return what a page may say; one from before facts were kept says how long it had waited.

    The same at each attempt: some providers know a message again by its words.
    """
    if page["facts"]:
        return facts_from_json(page["facts"])
    waited = (page["created_at"] - page["level_since"]).total_seconds()
    return PageFacts(
        page["episode_id"],
        page["severity"],
        minutes=max(0, int(waited // 60)),
        count=1,
        unconfirmed=False,
        late=False,
    )


def link_of(page: Mapping[str, Any]) -> str:
    """Return the link that a page goes out with: a short one where every letter counts."""
    short = _kind(page["channel"]) == "sms"
    return short_link(page["link"], page["short"]) if short else str(page["link"])


def reworded(page: Mapping[str, Any], channel: str) -> str:
    """Return a page's text for another channel."""
    if not page["facts"]:
        return str(page["body"])
    try:
        return compose(facts_from_json(page["facts"]), page["language"], _kind(channel))
    except Exception:  # words of another length are better than no page
        log.exception("page not worded anew", extra={"page_id": str(page["page_id"])})
        return str(page["body"])


def _kind(channel: str) -> str:
    return KIND_OF.get(channel, "push")
