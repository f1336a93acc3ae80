"""`yikao gateway ca`, `invite`, `withdraw`: what they say, and what they refuse."""

import re
from pathlib import Path

import psycopg
import pytest
from clinic import Signer, registry_text
from enrolment_parts import GATEWAY, OTHER, register_without_key

from yikao_devices.claim_code import parse_code
from yikao_ingest.cli import main
from yikao_ingest.enrolment.authority import load_authority
from yikao_ingest.enrolment.x509 import withdrawn_in
from yikao_ingest.errors import ServerError
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry
from yikao_ingest.settings import CA_DIR, DATABASE_URL

CODE = re.compile(r"^(?:[0-9A-Z]{5}-){7}[0-9A-Z]{5}$", re.MULTILINE)


class Desk:
    """Somebody who types commands."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def types(self, *words: str, code: int = 0) -> str:
        """Run `yikao`; return what it said."""
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = self._capsys.readouterr()
        assert ended.value.code == code, said
        return said.out + said.err


@pytest.fixture
def desk(
    plain_schema_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    """An operator with a database and without an authority."""
    register_without_key(plain_schema_url)
    monkeypatch.setenv(DATABASE_URL, plain_schema_url)
    monkeypatch.setenv(CA_DIR, str(tmp_path / "ca"))
    return Desk(capsys)


def test_three_commands_and_a_code(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    assert "make an authority" in desk.types("gateway", "invite", GATEWAY, code=1)
    assert CA_DIR in desk.types("gateway", "ca", "init", str(folder))
    assert "has an authority already" in desk.types("gateway", "ca", "init", str(folder), code=1)
    assert "broker.example" in desk.types("gateway", "ca", "broker", "broker.example", "127.0.0.1")
    assert {f.name for f in folder.iterdir() if f.stat().st_mode & 0o077 == 0} == {
        "ca.key",
        "broker.key",
    }
    found = CODE.search(desk.types("gateway", "invite", GATEWAY))
    assert found is not None
    authority = load_authority({CA_DIR: str(folder)})
    assert parse_code(found[0]).names(authority.der)
    assert "is not in the registry" in desk.types("gateway", "invite", "gw-9", code=1)
    desk.types("gateway", "invite", GATEWAY, "--minutes", "0", code=2)
    (folder / "ca.key").chmod(0o640)
    assert "chmod 0600" in desk.types("gateway", "invite", GATEWAY, code=1)


def test_to_withdraw_is_said_and_written(desk: Desk, tmp_path: Path) -> None:
    desk.types("gateway", "ca", "init", str(tmp_path / "ca"))
    assert "withdrawn" in desk.types("gateway", "withdraw", GATEWAY)
    assert "withdrawn before" in desk.types("gateway", "withdraw", GATEWAY)
    assert withdrawn_in((tmp_path / "ca" / "ca.crl").read_bytes()) == frozenset()
    assert "is not in the registry" in desk.types("gateway", "withdraw", "gw-9", code=1)


def test_the_registry_has_no_word_against_an_enrolled_key(
    desk: Desk, plain_schema_url: str
) -> None:
    own, file = Signer(GATEWAY), Signer(GATEWAY)
    other = Signer(OTHER)
    with psycopg.connect(plain_schema_url, autocommit=True) as conn:
        enrolled = "UPDATE gateway SET public_key = %s, enrolled_at = now() WHERE gateway_id = %s"
        conn.execute(enrolled, (own.public_text, GATEWAY))

        def applied(signer: Signer, text: str = "") -> str:
            text = text or registry_text((signer, other))
            apply_registry(plain_schema_url, parse_registry(text, "clinic.toml"))
            row = conn.execute(
                "SELECT public_key FROM gateway WHERE gateway_id = %s", (GATEWAY,)
            ).fetchone()
            assert row is not None
            return str(row[0])

        with pytest.raises(ServerError, match="leave public_key out"):
            applied(file)
        assert applied(own) == own.public_text
        without = registry_text((own, other)).replace(f'public_key = "{own.public_text}"\n', "")
        assert applied(own, without) == own.public_text
