"""From a device's unit to ours; the device's own number always stays beside.

A blood pressure is told in mmHg, a glucose in mmol/L, a weight in kg and a temperature in degrees
Celsius, whatever the device shows. Nothing is converted anywhere else.

Source of the factors: 1 kPa = 7.50062 mmHg; 1 kg/L = 100 000 mg/dL; 1 mol/L = 1 000 mmol/L;
1 mmol/L glucose = 18.0182 mg/dL (molar mass 180.156 g/mol); 1 lb = 0.453 592 37 kg exactly
(International yard and pound agreement, 1959); 1 degree Celsius = 1.8 degrees Fahrenheit.
"""

from typing import Final

MMHG_PER_KPA: Final = 7.50062
MG_DL_PER_KG_L: Final = 100_000
MMOL_L_PER_MOL_L: Final = 1_000
MG_DL_PER_MMOL_L: Final = 18.0182
KG_PER_LB: Final = 0.45359237
FREEZING_F: Final = 32.0
F_PER_C: Final = 1.8


def mmhg_of_kpa(kpa: float) -> float:
    """Return a pressure in mmHg, to a tenth."""
    return round(kpa * MMHG_PER_KPA, 1)


def mg_dl_of_kg_l(kg_l: float) -> float:
    """Return a glucose in mg/dL, to a tenth."""
    return round(kg_l * MG_DL_PER_KG_L, 1)


def mmol_l_of_kg_l(kg_l: float) -> float:
    """Return a glucose in mmol/L, to a hundredth."""
    return round(kg_l * MG_DL_PER_KG_L / MG_DL_PER_MMOL_L, 2)


def mmol_l_of_mol_l(mol_l: float) -> float:
    """Return a glucose in mmol/L, to a hundredth."""
    return round(mol_l * MMOL_L_PER_MOL_L, 2)


def kg_of_lb(lb: float) -> float:
    """Return a weight in kg, to a gram; scales count in steps of 5 g."""
    return round(lb * KG_PER_LB, 3)


def c_of_f(degrees_f: float) -> float:
    """Return a temperature in degrees Celsius, to a hundredth; thermometers show tenths."""
    return round((degrees_f - FREEZING_F) / F_PER_C, 2)
