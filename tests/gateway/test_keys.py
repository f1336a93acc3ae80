"""The gateway's signing key: made once, guarded, and never quietly replaced."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from yikao_gateway.errors import KeyFileError
from yikao_gateway.keys import KEY_FILE, load_key
from yikao_ingest.signature import PUBLIC_KEY_BYTES, decode_base64url, genuine


def test_the_key_is_made_once_and_guarded(tmp_path: Path) -> None:
    first, second = load_key(tmp_path), load_key(tmp_path)
    assert (first.public_text, first.key_id) == (second.public_text, second.key_id)
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]


def test_the_server_can_check_what_is_sealed(tmp_path: Path) -> None:
    key = load_key(tmp_path)
    public = decode_base64url(key.public_text, PUBLIC_KEY_BYTES)
    assert public == key.public_bytes
    assert Ed25519PublicKey.from_public_bytes(key.public_bytes)
    sealed = key.seal(b"payload")
    signature = decode_base64url(sealed.signature, 64)
    assert signature is not None
    assert genuine(public, signature, b"payload")
    assert not genuine(public, signature, b"payloads")
    assert key.seal(b"payload").message_id != sealed.message_id


def test_a_broken_key_is_told_not_replaced(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_bytes(b"short")
    with pytest.raises(KeyFileError, match="restore it"):
        load_key(tmp_path)
    assert (tmp_path / KEY_FILE).read_bytes() == b"short"


def test_a_folder_that_cannot_hold_a_key_is_told(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="signing key"):
        load_key(tmp_path / "missing")
