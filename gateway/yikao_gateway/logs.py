"""Logs of the gateway."""

from yikao_devices import log_lines


def set_up_logs(level: str = "INFO") -> None:
    """Have everything logged to standard error; the radio libraries only when they warn."""
    log_lines.set_up_logs(level, quiet=("bleak", "bumble"))
