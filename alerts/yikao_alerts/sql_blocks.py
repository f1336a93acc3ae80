"""SQL in one place: a file of named statements, read once, that an editor can colour and check.

A block begins with a line `-- name: what_it_does`; what stands above the first is for people.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, LiteralString, cast

NAME_LINE: Final = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


class SqlBlocksError(ValueError):
    """A file of statements is malformed: a programmer's error, found when it is first read."""


def parse_sql_blocks(text: str) -> dict[str, LiteralString]:
    """Return the statements of `text` by name; refuses an empty one and a name given twice.

    They come from our own package, which is why they may stand where a driver wants a literal.
    """
    _, *parts = NAME_LINE.split(text)
    blocks: dict[str, LiteralString] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        statement = body.strip()
        if name in blocks:
            raise SqlBlocksError(f"the statement {name!r} is there twice")
        if not statement:
            raise SqlBlocksError(f"the statement {name!r} is empty")
        blocks[name] = cast(LiteralString, statement)
    return blocks


@cache
def load_sql_blocks(package: str, path: str = "sql/queries.sql") -> Mapping[str, LiteralString]:
    """Return the named statements of the file `path` inside `package`."""
    return parse_sql_blocks(resources.files(package).joinpath(path).read_text("utf-8"))
