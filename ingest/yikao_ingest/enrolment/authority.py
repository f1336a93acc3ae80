"""The institution's certificate authority: a folder with a key that nobody else may read.

`ca.key`, `ca.crt`, the list of withdrawn certificates `ca.crl`, and the broker's own certificate.
The same files as those of make-secrets.sh, so that an authority made there goes on here.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from yikao_devices.enrolment import LIFE_DAYS
from yikao_ingest.enrolment import x509
from yikao_ingest.enrolment.x509 import Issued, NotUsableError, Signer
from yikao_ingest.errors import ServerError
from yikao_ingest.settings import CA_DIR, CRL_FILE

KEY, CERTIFICATE, WITHDRAWN = "ca.key", "ca.crt", "ca.crl"
BROKER_KEY, BROKER_CERTIFICATE = "broker.key", "broker.crt"
AUTHORITY_LIFE: Final = timedelta(days=3650)
GATEWAY_LIFE: Final = timedelta(days=LIFE_DAYS)
SERVER_LIFE: Final = timedelta(days=397)
"""Of the broker's: `yikao gateway ca broker` once a year. What browsers allow public ones."""
NAME_MAX: Final = 64
"""Characters of a common name, RFC 5280 upper bound ub-common-name."""


@dataclass(frozen=True, slots=True)
class Authority:
    """An authority at work, and where its list of withdrawn certificates goes."""

    signer: Signer
    folder: Path
    crl_file: Path

    @property
    def pem(self) -> str:
        """Its certificate, which is no secret."""
        return x509.pem(self.signer.certificate)

    @property
    def der(self) -> bytes:
        """The same as bytes."""
        return x509.der(self.signer.certificate)

    def for_gateway(self, gateway: str, csr: str, now: datetime) -> tuple[Issued, bytes]:
        """Return a certificate for the key of a request, and that key's hash.

        Raises `NotUsableError` for a request that is none, or not signed with its key.
        """
        key = x509.requested_key(csr)
        end = now + GATEWAY_LIFE
        issued = x509.issue(self.signer, gateway, key, x509.CLIENT, now, end)
        return issued, x509.key_hash(key)

    def for_server(self, hosts: Sequence[str], now: datetime, life: timedelta) -> tuple[str, bytes]:
        """Return a certificate and a new key for a server that is reached under these names."""
        key = x509.new_key()
        name = hosts[0][:NAME_MAX]
        issued = x509.issue(
            self.signer, name, key.public_key(), x509.SERVER, now, now + life, hosts
        )
        return issued.pem, x509.key_pem(key)

    def write_broker(self, hosts: Sequence[str], now: datetime) -> None:
        """Write certificate and key for the broker; an earlier pair is replaced."""
        certificate, key = self.for_server(hosts, now, SERVER_LIFE)
        write_whole(self.folder / BROKER_KEY, key, 0o600)
        write_whole(self.folder / BROKER_CERTIFICATE, certificate.encode(), 0o644)

    def write_withdrawn(self, withdrawn: Mapping[str, datetime], now: datetime) -> bool:
        """Have the list say exactly this; return whether it had to be written."""
        try:
            if x509.withdrawn_in(self.crl_file.read_bytes()) == withdrawn.keys():
                return False
        except (FileNotFoundError, NotUsableError):
            pass  # made for the first time, or anew
        write_whole(self.crl_file, x509.revocations(self.signer, withdrawn, now), 0o644)
        return True


def make_authority(folder: Path, name: str, now: datetime) -> Authority:
    """Make an authority in `folder`. Refuses with `ServerError` a folder that has one.

    Its key is written last: killed before, there is none, and it is made again.
    """
    if (folder / KEY).exists():
        raise ServerError(
            f"{folder} has an authority already", f"go on with it ({CA_DIR}={folder})"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = x509.new_key()
    signer = Signer(x509.self_signed(name[:NAME_MAX], key, now, now + AUTHORITY_LIFE), key)
    authority = Authority(signer, folder, folder / WITHDRAWN)
    write_whole(folder / WITHDRAWN, x509.revocations(signer, {}, now), 0o644)
    write_whole(folder / CERTIFICATE, authority.pem.encode(), 0o644)
    write_whole(folder / KEY, x509.key_pem(key), 0o600)
    return authority


def load_authority(environ: Mapping[str, str]) -> Authority:
    """Return the authority that the settings name. Raises `ServerError`, which says what to do."""
    if not environ.get(CA_DIR):
        remedy = "set it to the folder that `yikao gateway ca init DIR` made"
        raise ServerError(f"{CA_DIR} is not set", remedy)
    folder = Path(environ[CA_DIR])
    crl_file = Path(environ.get(CRL_FILE) or folder / WITHDRAWN)
    try:
        _guarded(folder / KEY)
        files = ((folder / name).read_bytes() for name in (CERTIFICATE, KEY))
        return Authority(x509.read_signer(*files), folder, crl_file)
    except OSError as error:
        remedy = f"make an authority with `yikao gateway ca init {folder}`, or mend {CA_DIR}"
        raise ServerError(f"{error.filename}: {error.strerror}", remedy) from error
    except NotUsableError as error:
        raise ServerError(f"{folder}: {error}", "restore ca.key and ca.crt") from error


def _guarded(key: Path) -> None:
    """Refuse a key that others can read."""
    if key.stat().st_mode & 0o077:
        raise ServerError(f"others can read {key}", f"chmod 0600 {key}")


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file: after a crash the old one is there or the new one, each complete."""
    fresh = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ServerError(
            f"{path} cannot be written, {error.strerror}", "give the folder to this user"
        ) from error
