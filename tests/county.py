"""A county for tests: many homes, each with a gateway and cuffs, each cuff with a resident of its
own. Nobody here exists.
"""

from dataclasses import dataclass
from datetime import datetime

from clinic import TENANT, Signer, pressure

from yikao_devices import wire
from yikao_ingest.migrate import migrate
from yikao_ingest.registry import parse_registry
from yikao_ingest.registry_store import apply_registry

TEAM = """
[[teams]]
id = "county"
name = "team"
zone = "Asia/Shanghai"
duty_doctor = "desk"
[[doctors]]
id = "desk"
name = "doctor"
team = "county"
contacts = [{ channel = "console", address = "desk" }]
"""
GATEWAY = """
[[gateways]]
id = "{gateway}"
tenant = "{tenant}"
public_key = "{key}"
"""
RESIDENT = """
[[residents]]
id = "{cuff}"
name = "resident"
team = "county"
doctor = "desk"
[[devices]]
address = "{cuff}"
gateway = "{gateway}"
[[bindings]]
device = "{cuff}"
resident = "{cuff}"
"""


@dataclass(frozen=True, slots=True)
class County:
    """Homes by the keys of their gateways; each has as many cuffs."""

    signers: tuple[Signer, ...]
    cuffs: int

    def cuff(self, home: int, number: int) -> str:
        """Return a cuff's address, which is its resident's code as well."""
        return f"C4:1D:{home:04}:{number}"

    def pressure(self, number: int, at: datetime) -> wire.BloodPressureReading:
        """Return reading `number`, of the home `number % len(signers)`; never a crisis."""
        round_, home = divmod(number, len(self.signers))
        values = 110.0 + number % 30, 66.0 + number % 20
        return pressure(*values, at=at, device=self.cuff(home, round_ % self.cuffs))

    def registry(self) -> str:
        """Return the registry file."""
        homes = [
            GATEWAY.format(gateway=signer.gateway, tenant=TENANT, key=signer.public_text)
            + "".join(
                RESIDENT.format(cuff=self.cuff(home, n), gateway=signer.gateway)
                for n in range(self.cuffs)
            )
            for home, signer in enumerate(self.signers)
        ]
        return TEAM + "".join(homes)

    def settle(self, dsn: str, now: datetime) -> None:
        """Enter the homes into a database, with our schema if it has none."""
        migrate(dsn, now)
        apply_registry(dsn, parse_registry(self.registry(), "county.toml"))


def county(homes: int, cuffs: int) -> County:
    """Return a county with new keys."""
    return County(tuple(Signer(f"home-{n:04}") for n in range(homes)), cuffs)
