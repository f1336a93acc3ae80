"""Which address of the page does what. Nothing that is only looked at changes anything."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import Final, TypeVar

from yikao_devices.symptoms import CALL_ME, NONE, SYMPTOMS
from yikao_gateway.page.forms import call_page, feel_page, message_page, passkey_page
from yikao_gateway.page.household import Household
from yikao_gateway.page.html import Html
from yikao_gateway.page.http import HTML, Request, Response, see_other
from yikao_gateway.page.view import first_page, name_of
from yikao_gateway.page.words import LANGUAGES, Words, load_words

COOKIE: Final = "language"
COOKIE_AGE_S: Final = 365 * 24 * 3600
STATIC: Final = {
    "/page.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
}
AT_HOME: Final = frozenset({"/call", "/feel"})
"""At a station nobody knows who presses: whoever needs help asks the people there."""
AT_STATIONS: Final = frozenset({"/card"})
SIX_DIGITS: Final = re.compile(r"[0-9]{6}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pages:
    """Answers requests that were let in. language: this home's, until the browser chose another."""

    household: Household
    language: str

    def answer(self, request: Request) -> Response:
        """Return what is asked for, or do it. Raises `StorageError`."""
        words = self._words(request)
        if request.method == "POST":
            act = self._here(ACTIONS, request.path)
            return act(self.household, request, words) if act else _not_found(words)
        if request.path in STATIC:
            return Response(HTTPStatus.OK, _static(request.path), STATIC[request.path])
        look = self._here(LOOKS, request.path)
        return _html(look(self.household, words)) if look else _not_found(words)

    def _here(self, known: Mapping[str, T], path: str) -> T | None:
        """Return what stands at an address: a home's are not a station's, and the other way."""
        elsewhere = AT_STATIONS if self.household.station is None else AT_HOME
        return None if path in elsewhere else known.get(path)

    def refused(self, request: Request, status: HTTPStatus) -> Response:
        """Return the page that says that it does not take this."""
        words = self._words(request)
        return _html(message_page(words("page.refused"), words), status)

    def failed(self, request: Request) -> Response:
        """Return the page that says that nothing was kept, so that nobody waits for a call."""
        words = self._words(request)
        return _html(message_page(words("page.failed"), words), HTTPStatus.SERVICE_UNAVAILABLE)

    def _words(self, request: Request) -> Words:
        chosen = request.cookie(COOKIE)
        return load_words(chosen if chosen in LANGUAGES else self.language)


def _first(household: Household, words: Words) -> Html:
    return first_page(household.facts(), words)


def _feel(household: Household, words: Words) -> Html:
    return feel_page(household.devices.seen(), words)


def _passkey(household: Household, words: Words) -> Html:
    asking = household.pairing_now().asking
    if not asking:
        return message_page(words("pair.gone"), words)
    return _passkey_of(asking[0], household, words)


def _passkey_of(address: str, household: Household, words: Words, fault: str | None = None) -> Html:
    name = name_of(address, household.devices.seen(), words)
    return passkey_page(address, name, words, fault)


def _call(household: Household, request: Request, words: Words) -> Response:
    household.call()
    return see_other("/")


def _report(household: Household, request: Request, words: Words) -> Response:
    chosen = tuple(dict.fromkeys(request.form.get("symptom", ())))
    devices = household.devices.seen()
    device = request.one("device")
    fault = _fault_of(chosen)
    if device not in {known.address for known, _ in devices}:
        fault = fault or "feel.whose"
    if fault:
        return _html(feel_page(devices, words, fault), HTTPStatus.UNPROCESSABLE_ENTITY)
    household.report(device, chosen)
    return see_other("/")


def _fault_of(chosen: tuple[str, ...]) -> str | None:
    """Return which text says what is wrong with a choice of symptoms; None when it is fine."""
    if not chosen or not SYMPTOMS.issuperset(chosen) or CALL_ME in chosen:
        return "feel.choose"
    return "feel.alone" if NONE in chosen and len(chosen) > 1 else None


def _pair(household: Household, request: Request, words: Words) -> Response:
    if request.one("do") == "open":
        household.open_pairing()
    else:
        household.close_pairing()
    return see_other("/#pairing")


def _enter(household: Household, request: Request, words: Words) -> Response:
    address, digits = request.one("address"), request.one("digits")
    if not SIX_DIGITS.fullmatch(digits):
        again = _passkey_of(address, household, words, "pair.six")
        return _html(again, HTTPStatus.UNPROCESSABLE_ENTITY)
    if not household.answer(address, int(digits)):
        return _html(message_page(words("pair.gone"), words), HTTPStatus.CONFLICT)
    return see_other("/#pairing")


def _card(household: Household, request: Request, words: Words) -> Response:
    assert household.station is not None, "only a station has cards"
    if request.one("do") == "cancel":
        household.station.cancel()
    else:
        household.station.scan(request.one("card"))
    return see_other("/")


def _choose_language(household: Household, request: Request, words: Words) -> Response:
    chosen = request.one("language")
    if chosen not in LANGUAGES:
        return _not_found(words)
    cookie = f"{COOKIE}={chosen}; Max-Age={COOKIE_AGE_S}; Path=/; HttpOnly; SameSite=Strict"
    return see_other("/", **{"Set-Cookie": cookie})


def _not_found(words: Words) -> Response:
    return _html(message_page(words("page.not_found"), words), HTTPStatus.NOT_FOUND)


def _html(page: Html, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(status, page.encode(), HTML)


def _static(path: str) -> bytes:
    return files("yikao_gateway.page").joinpath("static", path.lstrip("/")).read_bytes()


LOOKS: Final[Mapping[str, Callable[[Household, Words], Html]]] = {
    "/": _first,
    "/call": lambda _, words: call_page(words),
    "/feel": _feel,
    "/passkey": _passkey,
}
ACTIONS: Final[Mapping[str, Callable[[Household, Request, Words], Response]]] = {
    "/call": _call,
    "/feel": _report,
    "/pairing": _pair,
    "/passkey": _enter,
    "/card": _card,
    "/language": _choose_language,
}
