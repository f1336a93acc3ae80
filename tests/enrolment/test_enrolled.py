"""One code, and a gateway has its certificate, its broker and its name; nobody else has them."""

import ssl
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from clinic import TENANT
from enrolment_parts import (
    GATEWAY,
    HOST,
    OTHER,
    Box,
    Centre,
    broker,
    centre,
    until_of,
)
from fix_database import DEADLINE_S
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from yikao_devices import topics
from yikao_devices.claim_code import make_code
from yikao_devices.symptoms import CALL_ME
from yikao_ingest.embedded.broker import EmbeddedBroker
from yikao_ingest.enrolment.authority import make_authority
from yikao_ingest.settings import ENROL_BROKER_URL

NOT_AUTHORIZED = 0x87
PUT_ASIDE = "SELECT 1 FROM quarantine WHERE reason = 'gateway_withdrawn'"


def test_from_a_code_to_a_receipt_and_to_the_end(plain_schema_url: str, short_tmp: Path) -> None:
    """A gateway enrols, is heard and answered, and after its withdrawal is heard no more."""
    box = Box(short_tmp / "box")
    with centre(plain_schema_url, short_tmp) as there, broker(there) as server, there.role("enrol"):
        said = box.enrols(there.url, there.invites())
        assert GATEWAY in said and TENANT in said and there.environ[ENROL_BROKER_URL] in said
        assert {file.stat().st_mode & 0o077 for file in box.state.rglob("*")} == {0}
        with there.role("ingest"):
            calls(box, there, "stored")
            assert there.clinic.rows("SELECT 1 FROM ingest_message WHERE gateway_id = 'gw-1'")
            its_certificate_is_for_itself_alone(box, there)
            there.withdraws()
            calls(box, there, "rejected")
            assert there.clinic.rows(PUT_ASIDE)
        the_broker_hangs_up(box, server)


def calls(box: Box, there: Centre, until: str) -> None:
    """Somebody at home presses the button; the server's receipt closes that one way or another."""
    with box.running():
        box.runs("call-me", "--config", str(box.config()))
        there.clinic.until(lambda: CALL_ME in box.told(until))


def its_certificate_is_for_itself_alone(box: Box, there: Centre) -> None:
    url = there.environ[ENROL_BROKER_URL]
    assert published(box, url, GATEWAY) < NOT_AUTHORIZED
    assert published(box, url, OTHER) == NOT_AUTHORIZED
    checked = box.runs("check", "--config", str(box.config()), code=1)
    assert f"until {until_of(box).year}" in checked and "renewed by itself" in checked
    assert "FAIL  radio" in checked and "ok    broker" in checked


def the_broker_hangs_up(box: Box, server: EmbeddedBroker) -> None:
    """Its certificate stands on the list, which the broker reads at its start."""
    server.stop()
    anew = EmbeddedBroker(server._root, port=server._port, engine=server._engine)
    anew.start()
    try:
        checked = box.runs("check", "--config", str(box.config()), code=1)
        assert "FAIL  broker" in checked
    finally:
        anew.stop()


def published(box: Box, url: str, gateway: str) -> int:
    """Return the broker's word on an event in a gateway's name."""
    codes: list[int] = []
    told = Event()

    def on_publish(client: Client, _: Any, mid: int, reason: Any, properties: Any) -> None:
        codes.append(reason.value)
        told.set()

    context = ssl.create_default_context(cafile=str(box.pair.with_name("ca.pem")))
    context.load_cert_chain(box.pair)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.tls_set_context(context)
    client.on_publish = on_publish
    client.connect(HOST, int(url.rpartition(":")[2]))
    client.loop_start()
    client.publish(topics.topic(TENANT, gateway, topics.EVENT), b"{}", qos=1)
    assert told.wait(DEADLINE_S)
    client.disconnect()
    client.loop_stop()
    return codes[0]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    """A gateway that was never enrolled."""
    return Box(tmp_path / "box")


def test_a_code_is_good_once_for_a_while_and_for_one(
    plain_schema_url: str, short_tmp: Path, box: Box
) -> None:
    other = Box(short_tmp / "other")
    with centre(plain_schema_url, short_tmp) as there, there.role("enrol"):
        first, second = there.invites(), there.invites()
        assert "too old" in box.enrols(there.url, first, code=1), "a newer one ends it"
        box.enrols(there.url, second)
        kept = box.pair.read_bytes()
        assert "another gateway has used" in other.enrols(there.url, second, code=1)
        assert not other.pair.exists()
        box.enrols(there.url, there.invites())
        assert box.pair.read_bytes() != kept, "to enrol again is a new certificate"
        ((old, new),) = there.clinic.rows(
            "SELECT count(withdrawn_at), count(*) FROM gateway_certificate"
        )
        assert (old, new) == (1, 2)
        third = there.invites()
        there.clinic.rows("UPDATE gateway_invite SET expires_at = made_at")
        assert "too old" in box.enrols(there.url, third, code=1)
        secret = second.replace("-", "")[:16]
        for log in short_tmp.glob("*.log"):
            assert secret not in log.read_text("utf-8")


def test_what_is_typed_wrong_is_told_without_asking_anybody(box: Box) -> None:
    nowhere = "https://127.0.0.1:9"
    assert "this has 5" in box.enrols(nowhere, "ABCDE", code=2)
    assert "https://HOST:PORT" in box.enrols("http://127.0.0.1:9", "ABCDE", code=2)
    assert not box.state.exists()


def test_whoever_stands_between_gets_nothing(
    plain_schema_url: str, short_tmp: Path, box: Box
) -> None:
    """A server of another authority, whatever it says, is not sent the secret of a code."""
    ours, others = short_tmp / "ours", short_tmp / "others"
    ours.mkdir()
    others.mkdir()
    with centre(plain_schema_url, ours) as there:
        code = there.invites()
    with centre(plain_schema_url, others) as foreign, foreign.role("enrol"):
        said = box.enrols(foreign.url, code, code=1)
        assert "not the server that made this code" in said
        log = (others / "enrol.log").read_text("utf-8")
        assert "refused" not in log and "given" in log
        assert "cannot prove who it is" in box.enrols(
            foreign.url, code, "--ca", str(ours / "authority" / "ca.crt"), code=1
        )


def test_a_second_authority_behind_the_right_one_is_not_believed(tmp_path: Path, box: Box) -> None:
    """Who stands in between may offer the right authority, and his own behind it."""
    now = datetime.now(UTC)
    ours, his = (make_authority(tmp_path / name, name, now) for name in ("ours", "his"))
    asked: list[str] = []

    class Between(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append("GET")
            self.send_response(200)
            self.end_headers()
            self.wfile.write((ours.pem + his.pem).encode())

        def do_POST(self) -> None:
            asked.append("POST")
            self.send_error(500)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    certificate, key = his.for_server([HOST], now, timedelta(days=1))
    pair = tmp_path / "pair.pem"
    pair.write_bytes(key + certificate.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    with ThreadingHTTPServer((HOST, 0), Between) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        Thread(target=server.serve_forever, daemon=True).start()
        code = make_code(bytes(10), ours.der).text
        said = box.enrols(f"https://{HOST}:{server.server_port}", code, code=1)
        server.shutdown()
    assert "cannot prove who it is" in said
    assert asked == ["GET"]
