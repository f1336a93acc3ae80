"""Logs of the server."""

from yikao_devices import log_lines


def set_up_logs(level: str = "INFO") -> None:
    """Have everything logged to standard error, one JSON object a line.

    httpx logs the address of each call, and a page's link must not be in a log.
    """
    log_lines.set_up_logs(level, quiet=("httpx",))
