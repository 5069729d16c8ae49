"""Which device a run starts on: decided when it starts, so that runs spread over all GPUs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrain_core.errors import RunError

MEASURE = "measure"  # no device: work on files, which does not wait behind training
MEASURE_LANES = 2
NO_GPU = (
    "There is no device 'gpu'.",
    "TensorFlow finds no GPU on this machine.",
    "Choose the CPU, or 'auto'.",
)


def place(asked: str, gpus: Sequence[str] | None, busy: Mapping[str, int], lanes: int) -> str | None:
    """Return the device that a run can start on now, ``None`` if it has to wait.

    Args:
        asked: ``auto``, ``cpu``, ``gpu``, ``gpu:N``, or ``measure`` for work that only reads files.
        gpus: Those there are; ``None`` until they are known.
        busy: Runs at work, by device.
        lanes: Runs that the CPU takes at a time; a GPU takes one.

    Raises:
        RunError: If a GPU is asked for and there is none.

    >>> place("auto", ["gpu:0", "gpu:1"], {"gpu:0": 1}, lanes=2)
    'gpu:1'
    """
    if asked in ("auto", "gpu"):
        if gpus is None:
            return None
        if gpus:
            return next((gpu for gpu in gpus if not busy.get(gpu)), None)
        if asked == "gpu":
            raise RunError(*NO_GPU)
        asked = "cpu"
    most = {"cpu": lanes, MEASURE: MEASURE_LANES}
    return asked if busy.get(asked, 0) < most.get(asked, 1) else None
