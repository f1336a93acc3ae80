"""Who is on call, when, in whose place: the centres' rotas."""

from yikao_alerts.rota.model import (
    HandOver,
    Kind,
    Layer,
    Leave,
    Override,
    Rota,
    Rotas,
    Rotation,
    Shift,
)
from yikao_alerts.rota.on_call import changes, on_call, shifts, stands_in
from yikao_alerts.rota.when import Hours

__all__ = [
    "HandOver",
    "Hours",
    "Kind",
    "Layer",
    "Leave",
    "Override",
    "Rota",
    "Rotas",
    "Rotation",
    "Shift",
    "changes",
    "on_call",
    "shifts",
    "stands_in",
]
