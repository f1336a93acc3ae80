"""Values made quickly are the values that their classes make, and as frozen."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from yikao_devices.quick import quick


@dataclass(frozen=True, slots=True)
class Sample:
    """One field that has to be given, two that need not."""

    number: int
    unit: str | None = None
    trailing: bytes = b""


@dataclass(frozen=True)
class Roomy:
    """Without slots: its instances are built otherwise than those of a class that has them."""

    number: int


_sample = quick(Sample)


def test_it_is_called_as_the_class_is_and_makes_the_same() -> None:
    for made, plain in (
        (_sample(1), Sample(1)),
        (_sample(1, "kPa", b"x"), Sample(1, "kPa", b"x")),
        (_sample(1, trailing=b"x"), Sample(1, trailing=b"x")),
    ):
        assert made == plain
        assert type(made) is Sample
        assert (repr(made), hash(made)) == (repr(plain), hash(plain))
        assert pickle.loads(pickle.dumps(made)) == copy.copy(made) == replace(made) == plain


def test_what_it_made_is_frozen() -> None:
    made = _sample(1)
    with pytest.raises(FrozenInstanceError):
        made.number = 2  # type: ignore[misc]  # that is what is asked
    with pytest.raises(FrozenInstanceError):
        del made.unit
    assert made == Sample(1)


def test_it_is_called_wrongly_as_the_class_is() -> None:
    for call in (Sample, _sample):
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'number'"):
            call()  # type: ignore[call-arg]  # that is what is asked
        with pytest.raises(TypeError, match="unexpected keyword argument 'numbre'"):
            call(1, numbre=2)  # type: ignore[call-arg]  # that is what is asked


def test_a_class_without_slots_is_refused_by_python() -> None:
    with pytest.raises(TypeError, match="layout differs"):
        quick(Roomy)(1)
