"""Log lines of the server: one JSON object a line, facts as fields, nothing clinical, no names."""

import json
import logging
import sys
import time
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
            if record.exc_info[2] is not None:
                frame = record.exc_info[2]
                while frame.tb_next is not None:
                    frame = frame.tb_next
                line["at"] = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up_logs(level: str = "INFO") -> None:
    """Have everything logged to standard error, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # httpx logs the address of each call, and a page's link must not be in a log.
    logging.getLogger("httpx").setLevel(logging.WARNING)
