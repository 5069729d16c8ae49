"""The state of variables and random generators, as plain values and arrays, and back."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Unfit(Exception):
    """A checkpoint that does not fit what is trained now."""


def arrays_of(variables: Sequence[Any]) -> list[NDArray[Any]]:
    """Return copies of the values of Keras' variables."""
    return [np.array(variable) for variable in variables]


def give_back(variables: Sequence[Any], arrays: Sequence[NDArray[Any]]) -> None:
    """Give variables the values they had.

    Raises:
        Unfit: If there are others than there were, or of another shape.
    """
    if [tuple(variable.shape) for variable in variables] != [array.shape for array in arrays]:
        raise Unfit("other variables than before")
    for variable, array in zip(variables, arrays, strict=True):
        own = np.asarray(variable).dtype
        # NumPy writes types that it does not know itself, such as bfloat16, as mere bytes.
        variable.assign(array.view(own) if array.dtype.kind == "V" else array)


def bytes_of(variables: Sequence[Any]) -> int:
    """Return about how many bytes the values of variables take."""
    return sum(int(np.prod(variable.shape, dtype=np.int64)) * 4 for variable in variables)


def generator_state(generator: np.random.BitGenerator) -> dict[str, Any]:
    """Return the state of a NumPy generator in plain values."""
    plain = _plain(generator.state)
    assert isinstance(plain, dict)
    return plain


def set_generator(generator: np.random.BitGenerator, state: Mapping[str, Any]) -> None:
    """Give a NumPy generator its state back.

    Raises:
        Unfit: If it is of another kind of generator.
    """
    try:
        generator.state = _arrays(state)
    except (ValueError, TypeError, KeyError) as error:
        raise Unfit("another random generator") from error


def global_state() -> dict[str, Any]:
    """Return the state of the generators of the whole process: Keras draws the seeds of layers from Python's.

    TensorFlow's own is left out: Keras' layers draw from generators that are variables of the model.
    """
    version, numbers, gauss = random.getstate()
    # The global generator, because libraries draw from it.
    return {"python": [version, list(numbers), gauss], "numpy": _plain(np.random.get_state(legacy=False))}


def set_global_state(state: Mapping[str, Any]) -> None:
    """Give the generators of the process their state back."""
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(_arrays(state["numpy"]))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return {"array": value.tolist(), "dtype": str(value.dtype)} if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if set(value) == {"array", "dtype"}:
        return np.array(value["array"], value["dtype"])
    return {key: _arrays(part) for key, part in value.items()}
