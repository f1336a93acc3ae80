"""What a faulty registry file is told; for tests of what may stand in it."""

import pytest

from yikao_devices.toml_lines import FaultyFileError
from yikao_ingest.registry import parse_registry


def faults_of(text: str) -> list[str]:
    """Return what is wrong with a registry file, each fault with its line and its fix."""
    with pytest.raises(FaultyFileError) as refused:
        parse_registry(text, "clinic.toml")
    return [str(fault) for fault in refused.value.faults]
