"""A file of readings, cut into stretches that processes read side by side, and dealt to buckets.

A year of a city does not fit a list of objects. Each process reads a stretch of lines and writes
its records to a temporary folder, dealt by the resident's name, so that afterwards all readings of
one resident lie in one bucket, whatever order the file had.
"""

import codecs
import csv
import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from yikao_alerts.backtest.block import read_block
from yikao_alerts.backtest.sheet import FAULTS_MAX, Block, read_json_block
from yikao_alerts.backtest.vocabulary import COLUMNS, NEEDED, ROW, Rows
from yikao_devices.toml_lines import Fault, FaultyFileError

STRETCH_BYTES: Final = 4 * 1024 * 1024
"""Read by a process at a time: about 40,000 rows, whose columns stay near the processor."""
BUCKET_BYTES: Final = 64 * 1024 * 1024
"""Text of the rows in one bucket, on average; each is worked on in memory as a whole."""
BUCKETS_MAX: Final = 256
DAY_US: Final = 86_400_000_000
HEADER_BYTES_MAX: Final = 4096
JSON_SUFFIXES: Final = (".jsonl", ".ndjson")


@dataclass(frozen=True, slots=True)
class Stretch:
    """What to read: bytes `start` to `end` of a file, which begin and end with whole lines."""

    path: Path
    start: int
    end: int
    columns: tuple[str, ...]
    zone: tzinfo
    json: bool


@dataclass(frozen=True, slots=True)
class Part:
    """Records of one stretch, in a file, those of bucket b from `bounds[b]` to `bounds[b + 1]`."""

    file: Path
    bounds: tuple[int, ...]
    residents: tuple[str, ...]
    devices: tuple[str, ...]
    first: int | None
    last: int | None
    """First and last time in it that can be believed, in microseconds; None without any."""

    def bucket(self, number: int) -> Rows:
        """Return the records of one bucket."""
        start, end = self.bounds[number : number + 2]
        return np.fromfile(self.file, ROW, end - start, offset=start * ROW.itemsize)


@dataclass(frozen=True, slots=True)
class PartRead:
    """A part, the lines it took, and what was refused in them (lines from 1)."""

    part: Part
    lines: int
    faults: tuple[Fault, ...]


def stretches(path: Path, zone: tzinfo, size: int = STRETCH_BYTES) -> Iterator[Stretch]:
    """Yield the stretches of a file after its header, which is checked first."""
    json = path.suffix in JSON_SUFFIXES
    end = path.stat().st_size
    with path.open("rb") as file:
        columns = COLUMNS if json else columns_of(file.readline(HEADER_BYTES_MAX), path)
        start = file.tell()
        if start >= end:
            raise FaultyFileError(
                str(path), [Fault(1, "there are no readings", "Give rows after the header")]
            )
        while start < end:
            file.seek(min(start + size, end) - 1)
            file.readline()
            yield Stretch(path, start, file.tell(), columns, zone, json)
            start = file.tell()


def columns_of(header: bytes, path: Path) -> tuple[str, ...]:
    """Return the columns that the first line names; refuses with `FaultyFileError`."""
    try:
        text = header.removeprefix(codecs.BOM_UTF8).decode().strip()
        names = tuple(name.strip() for name in next(csv.reader([text]), []))
    except (UnicodeDecodeError, csv.Error):
        names = ()
    known = f"There are {', '.join(COLUMNS)}, separated by commas"
    faults = [Fault(1, f"unknown column {name!r}", known) for name in names if name not in COLUMNS]
    faults += [
        Fault(1, f"column {name} stands there twice", "Take one out")
        for name in COLUMNS
        if names.count(name) > 1
    ]
    faults += [
        Fault(1, f"column {name} is missing", "The first line names the columns")
        for name in NEEDED
        if name not in names
    ]
    if faults:
        raise FaultyFileError(str(path), faults[:FAULTS_MAX])
    return names


def bucket_count(bytes_all: int, jobs: int) -> int:
    """Return over how many buckets so much text is dealt: where one is not enough, as many for
    each process, so that none waits for another's last."""
    count = 1 + bytes_all // BUCKET_BYTES
    return min(BUCKETS_MAX, jobs * math.ceil(count / jobs)) if count > 1 else 1


def read_part(stretch: Stretch, buckets: int, folder: Path, believed_from: int) -> PartRead:
    """Read a stretch and write its records into a file in `folder`; see `deal`."""
    with stretch.path.open("rb") as source:
        source.seek(stretch.start)
        data = source.read(stretch.end - stretch.start)
    read = read_json_block if stretch.json else read_block
    block = read(data, stretch.columns, stretch.zone)
    file = folder / f"part-{stretch.start:015d}"
    return PartRead(deal(block, buckets, file, believed_from), block.lines, tuple(block.faults))


def bucket_of(resident: str, buckets: int) -> int:
    """Return the bucket in which all readings of a resident lie."""
    return crc32(resident.encode()) % buckets


def deal(block: Block, buckets: int, file: Path, believed_from: int) -> Part:
    """Write the records of a block into `file`, those of a bucket together.

    believed_from: microseconds; times before it, or after their arrival, are of wrong clocks.
    """
    of_resident = np.array([bucket_of(name, buckets) for name in block.residents], np.int64)
    bucket = of_resident[block.rows["resident"]] if block.rows.size else np.zeros(0, np.int64)
    order = np.argsort(bucket, kind="stable")
    # `take` copies records whole; an index in brackets would copy them field by field.
    block.rows.take(order).tofile(file)
    bounds = np.searchsorted(bucket[order], np.arange(buckets + 1))
    at = block.rows["at"]
    at = at[(at >= believed_from) & (at <= block.rows["received"] + DAY_US)]
    ends = (int(at.min()), int(at.max())) if at.size else (None, None)
    names = tuple(block.residents), tuple(block.devices)
    return Part(file, tuple(bounds.tolist()), *names, *ends)


def accepted(reads: Iterable[PartRead], path: Path, lines_before: int) -> list[Part]:
    """Return the parts, in the order of the file; refuses the file when anything in it was."""
    parts, faults, line = [], list[Fault](), lines_before
    for read in reads:
        faults += [Fault(line + fault.line, fault.what, fault.fix) for fault in read.faults]
        line += read.lines
        parts.append(read.part)
    if len(faults) > FAULTS_MAX:
        rest = Fault(faults[FAULTS_MAX].line, "and more", "Mend these first, then try again")
        faults = [*faults[:FAULTS_MAX], rest]
    if faults:
        raise FaultyFileError(str(path), faults)
    return parts


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, so that a result can be traced to what it was computed from."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
