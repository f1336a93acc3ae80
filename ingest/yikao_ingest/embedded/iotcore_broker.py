"""Be the iotcore broker until killed: `python -m yikao_ingest.embedded.iotcore_broker CONFIG`.

A process of its own because that broker cannot be stopped from inside; SIGTERM ends it at once.
The only file that imports iotcore, and it imports nothing else of ours.
"""

import logging
import sys

from iotcore.iotcore import IotCoreBroker


def main(configuration: str) -> None:
    """Serve as the file `configuration` (rumqttd's TOML) says; return never."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # rumqttd opens an error-level span for each packet, which would be logged as an error.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(config_path=configuration).run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
