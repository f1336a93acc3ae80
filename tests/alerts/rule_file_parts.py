"""A small rule file that is good, and what is told of one that is not."""

import pytest

from yikao_alerts.rules import parse_rules
from yikao_devices.toml_lines import FaultyFileError

GOOD = """\
version = "1"
profile = "TEST"

[late]
late_min = 15
call_h = 2
information_h = 24
source = "D"

[suppress]
refractory_days = 14
never = ["A"]
mute_max_days = 14
never_mutes = ["page_now"]
source = "D"

[protocol.TWICE]
window_min = 10
gap_s = 60
differ_mmhg = 10
statistic = "mean_of_two_or_three"
source = "D"

[[rule]]
id = "A"
family = "bp_high"
kind = "blood_pressure"
severity = "page_now"
level = 2
any = [{ field = "systolic", op = "ge", mmHg = 180, kPa = 24.0 }]
protocol = "TWICE"
normal = { all = [{ field = "systolic", op = "lt", mmHg = 160, kPa = 21.3 }], \
rounds = 2, apart_min = 15 }
addressee = "chain_crisis"
name_zh = "甲"
name_en = "a"
patient_zh = "甲"
patient_en = "a"
source = "D"
evidence = "D"

[[rule]]
id = "B"
kind = "glucose"
severity = "technical"
level = 0
any = [{ field = "glucose", op = "gt", "mmol/L" = 33.3, "mg/dL" = 600 }]
unless_flags = ["hi"]
quarantine = true
addressee = "nurse"
name_zh = "乙"
name_en = "b"
source = "D"
evidence = "D"

[[rule]]
id = "C"
form = "mean"
family = "control"
kind = "blood_pressure"
severity = "this_week"
level = 1
days = 7
min_days = 3
any = [{ field = "systolic", op = "ge", mmHg = 135, kPa = 18.0, target = "target_systolic_mmhg" }]
ends = { all = [{ field = "systolic", op = "lt", mmHg = 130, kPa = 17.3 }] }
addressee = "chain_week"
name_zh = "丙"
name_en = "c"
patient_zh = "丙"
patient_en = "c"
source = "D"
evidence = "D"
"""


def refused(text: str) -> list[tuple[int, str, str]]:
    """Return what is told of a file that is refused: line, what is wrong, how to mend it."""
    with pytest.raises(FaultyFileError) as caught:
        parse_rules(text, "rules.toml")
    assert all(str(fault) in str(caught.value) for fault in caught.value.faults)
    return [(fault.line, fault.what, fault.fix) for fault in caught.value.faults]
