"""Log lines of every process: one JSON object a line, facts as fields, nothing clinical, no names.

The kernel itself logs nothing; the form stands here because gateway and server share it.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Iterable
from traceback import extract_tb
from types import TracebackType
from typing import Final

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """Time in UTC, level, logger, message, then the fields given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "t": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "log": record.name,
            "msg": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            # The exception's text may hold data; its type and place do not.
            line["error"] = getattr(record.exc_info[0], "__name__", "?")
            line["at"] = [
                f"{frame.filename}:{frame.lineno}" for frame in extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logs(level: str = "INFO", quiet: Iterable[str] = ()) -> None:
    """Have everything logged to standard error, one JSON object a line; also what ends us.

    quiet: libraries that may only warn.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for library in quiet:
        logging.getLogger(library).setLevel(logging.WARNING)
    sys.excepthook = _crashed
    threading.excepthook = lambda told: _crashed(told.exc_type, told.exc_value, told.exc_traceback)


def _crashed(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    """Log what ends a thread or the process: the usual report would quote what the data were."""
    if error is not None:
        logging.getLogger(__name__).critical("crashed", exc_info=(kind, error, trace))
