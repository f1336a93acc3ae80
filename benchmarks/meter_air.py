"""A simulated home with one meter, which holds as many records as it is told; for a process.

`python meter_air.py FOLDER RECORDS` serves the radio at FOLDER/air and the remote control at
FOLDER/ctl, says so in one line of JSON, and ends with SIGTERM. Home meters hold up to 2,000
records; `yikao-sim air` fills them with fewer.
"""

import asyncio
import json
import sys
import time

from yikao_devices.story_clock import Clock
from yikao_sim.home import Outfit
from yikao_sim.peripherals.glucometer import MeterBehaviour
from yikao_sim.serve import Settings, serve

MEMORY = 2_000


def main(folder: str, records: int) -> None:
    """Serve until told to stop."""
    now = time.time()
    settings = Settings(
        f"unix:{folder}/air",
        homes=1,
        clock=Clock(now, now, 1.0),
        outfit=Outfit(cuff=None, meter=MeterBehaviour(memory=MEMORY)),
        stored=records,
        control=f"unix:{folder}/ctl",
    )
    asyncio.run(serve(settings, lambda ready: print(json.dumps(ready), flush=True)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
