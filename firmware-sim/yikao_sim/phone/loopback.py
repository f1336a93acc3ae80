"""Which addresses only this machine can reach: nothing simulated may page or answer a real doctor.

Standards: RFC 6890 (127.0.0.0/8, ::1), RFC 6761 (`localhost`).
"""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach `host`, a name or an address without brackets."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
