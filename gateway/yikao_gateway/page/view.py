"""The first page: what to do now, how to reach the doctor, and whether all is well."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from yikao_devices.models import model_named
from yikao_gateway.household.prompts import Prompt
from yikao_gateway.page.frame import button_form, countdown, document, link_button, part
from yikao_gateway.page.household import Facts, Said, Sent
from yikao_gateway.page.html import NOTHING, Html, join, tag
from yikao_gateway.page.station_view import station_part, station_refresh_s
from yikao_gateway.page.words import Words
from yikao_gateway.visits.known_devices import KnownDevice

MARK_LETTERS: Final = 4
"""Of an address: its end, as it stands on many devices, tells two of a model apart."""
ON_ITS_WAY: Final = ("open", "stored")
"""States of an item that reaches the server or has; any other does not."""


def first_page(facts: Facts, words: Words) -> Html:
    """Return the page that hangs at home, or where many use one cuff."""
    if facts.station is not None:
        at_station = station_part(facts.station, facts.now, words)
        refresh_s = station_refresh_s(facts.station)
        return document(words, at_station, _how_it_is(facts, words), live=True, refresh_s=refresh_s)
    to_do = tag(
        "div",
        tag("h1", words("page.subtitle"), class_="unseen"),
        part("prompt", _prompts(facts, words), role="status"),
        part("said", *(_said(each, facts.now, words) for each in facts.said), role="status"),
        link_button("/call", words("call.button"), "red"),
        link_button("/feel", words("feel.button"), "blue"),
        tag("p", words("page.emergency"), class_="emergency"),
        class_="help",
    )
    return document(words, to_do, _how_it_is(facts, words), live=True)


def _how_it_is(facts: Facts, words: Words) -> Html:
    return tag(
        "div",
        part("pairing", _pairing(facts, words), role="status"),
        part("sent", _sent(facts.sent, facts.now, words)),
        part("devices", _devices(facts, words)),
        part("nurse", _nurse(facts, words)),
    )


def full_name(device: KnownDevice, words: Words) -> str:
    """Return what tells a device from all others: its kind, model and the end of its address."""
    kind, mark = _kind(device, words), _mark(device.address)
    return words("device.full", kind=kind, model=_model(device), mark=mark)


def name_of(address: str, devices: Sequence[tuple[KnownDevice, datetime]], words: Words) -> str:
    """Return what people at home call the device of that address, which may be a new one."""
    known = (_kind(device, words) for device, _ in devices if device.address == address)
    return words("device.short", kind=next(known, words("kind.new")), mark=_mark(address))


def _kind(device: KnownDevice, words: Words) -> str:
    model = model_named(device.model)
    code = "other" if model is None else model.conversation.value
    return words(words.known(f"kind.{code}", "kind.other"))


def _model(device: KnownDevice) -> str:
    return device.identity.get("model") or device.model


def _mark(address: str) -> str:
    """Return the end of an address, without the colons that would make a time of it."""
    return address.replace(":", "")[-MARK_LETTERS:]


def _prompts(facts: Facts, words: Words) -> Html:
    if not facts.prompts:
        return tag("p", words("prompt.none"), class_="calm")
    newest, *others = facts.prompts
    lines = [_newest(newest, facts.now, words)]
    for each in others:
        at = words.time(each.command.expires_at, facts.now)
        if not each.over:
            text = words("prompt.earlier", text=each.text(words.language), at=at)
            lines.append(tag("p", text, class_="earlier"))
    return join(*lines)


def _newest(prompt: Prompt, now: datetime, words: Words) -> Html:
    at = words.time(prompt.command.expires_at, now)
    if prompt.over:
        return tag("p", words("prompt.over", at=at), class_="calm")
    left_s = int((prompt.command.expires_at - now).total_seconds())
    return tag(
        "div",
        tag("h2", words(f"prompt.{prompt.command.do}")),
        tag("p", prompt.text(words.language), class_="asked"),
        tag(
            "p",
            tag("span", words(f"prompt.until_{prompt.command.do}", at=at)),
            countdown(left_s, words("prompt.left")),
            class_="until",
        ),
        class_="ask",
    )


def _said(said: Said, now: datetime, words: Words) -> Html:
    state = said.state if said.state in ON_ITS_WAY else "rejected"
    at = words.time(said.at, now)
    return tag(
        "div",
        tag("p", words(f"{said.manner}.{state}", at=at), class_="what"),
        tag("p", words(f"{said.manner}.{state}_do")),
        class_=f"card said {state}",
    )


def _sent(sent: Sent, now: datetime, words: Words) -> Html:
    last = sent.last and tag("p", words("sent.last", at=words.time(sent.last, now)))
    if not sent.waiting:
        state, name = ("good", "all") if sent.last else ("plain", "none")
        lines = [tag("p", words(f"sent.{name}"), class_="what")]
    else:
        name = "late" if sent.late(now) and sent.oldest is not None else "waiting"
        since = words.time(sent.oldest or now, now)
        state = "wrong" if name == "late" else "plain"
        told = words(f"sent.{name}", count=sent.waiting, at=since)
        lines = [tag("p", told, class_="what"), tag("p", words(f"sent.{name}_do"))]
    return _card(words("sent.title"), state, *lines, last or NOTHING)


def _devices(facts: Facts, words: Words) -> Html:
    rows = [_trouble(code, words) for code in facts.troubles]
    rows += [_device(device, at, facts.now, words) for device, at in facts.devices]
    if not facts.devices:
        rows.append(tag("li", words("device.none")))
    title = words("device.title" if facts.station is None else "station.devices")
    return tag("section", tag("h2", title), tag("ul", *rows), class_="card devices")


def _device(device: KnownDevice, at: datetime, now: datetime, words: Words) -> Html:
    wrong = [] if device.problem is None else list(_wrong(device.problem, words))
    if device.battery_low:
        wrong += [
            tag("p", words("device.battery_low"), class_="what"),
            tag("p", words("device.battery_low_do")),
        ]
    return tag(
        "li",
        tag("h3", _kind(device, words)),
        *(wrong or [tag("p", words("device.fine"), class_="what")]),
        tag("p", words("device.read", at=words.time(at, now)), class_="soft"),
        tag(
            "p",
            words("device.mark", model=_model(device), mark=_mark(device.address)),
            class_="soft",
        ),
        class_="wrong" if wrong else "good",
    )


def _trouble(code: str, words: Words) -> Html:
    return tag("li", *_wrong(code, words), class_="wrong")


def _wrong(code: str, words: Words) -> tuple[Html, Html]:
    """Return what is wrong and what to do; a code without words here is told as it is."""
    what = words(words.known(f"wrong.{code}", "wrong.other"), code=code)
    remedy = words(words.known(f"do.{code}", "do.other"))
    return tag("p", what, class_="what"), tag("p", remedy)


def _pairing(facts: Facts, words: Words) -> Html:
    """Return what pairing asks of a person now; nothing while it is closed."""
    pairing = facts.pairing
    if pairing.open_s is None:
        return NOTHING

    def name(address: str) -> str:
        return name_of(address, facts.devices, words)

    lines = [tag("h2", words("pair.open"), " ", countdown(int(pairing.open_s), ""))]
    for address in pairing.asking:
        lines.append(tag("p", words("pair.asks", device=name(address)), class_="what"))
    if pairing.asking:
        lines.append(link_button("/passkey", words("pair.enter"), "blue"))
    for address, digits in pairing.showing.items():
        told = words("pair.shows", device=name(address), digits=f"{digits:06d}")
        lines.append(tag("p", told, class_="what"))
    lines.append(button_form("/pairing", words("pair.stop"), "plain", do="close"))
    return tag("section", *lines, class_="card ask")


def _nurse(facts: Facts, words: Words) -> Html:
    lines = [_paired(facts, words), tag("p", words("pair.hint"))]
    if facts.pairing.open_s is None:
        lines.append(button_form("/pairing", words("pair.start"), "plain", do="open"))
    told = words("pair.gateway", id=facts.gateway, version=facts.version)
    lines.append(tag("p", told, class_="soft"))
    return tag("section", tag("h2", words("pair.title")), *lines, class_="card nurse")


def _paired(facts: Facts, words: Words) -> Html:
    if facts.pairing.paired is None:
        return NOTHING
    told = words("pair.paired", device=name_of(facts.pairing.paired, facts.devices, words))
    return tag("p", told, class_="what", role="status")


def _card(title: str, state: str, *lines: str) -> Html:
    return tag("section", tag("h2", title), tag("div", *lines, class_=state), class_="card")
