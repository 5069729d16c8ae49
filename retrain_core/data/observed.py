"""What the old model made of the rows of both sides, as arrays in one file that is never pickled."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from retrain_core.files import write_atomic

MOST_ROWS = 5_000  # of each side that the old model looks at


@dataclass(frozen=True)
class Observed:
    """What the old model made of some rows of one side.

    Args:
        rows: Their numbers in the file, from 0, ascending; shape ``(n,)``.
        outputs: What it predicts, shape ``(n, units)``.
        features: Values of the layer before its output layer, flattened, shape ``(n, features)``.
        loss: Its loss on each row, shape ``(n,)``.
        error: 1 where it is wrong and 0 where it is right, the share of wrong labels, or the mean absolute error;
            shape ``(n,)``.
    """

    rows: NDArray[np.int64]
    outputs: NDArray[np.float32]
    features: NDArray[np.float32]
    loss: NDArray[np.float32]
    error: NDArray[np.float32]


Side = Literal["old", "new"]


def save_observed(path: Path, sides: Mapping[Side, Observed], layer: str) -> None:
    """Write what was observed on each side; ``layer`` names the layer that the features are of."""
    arrays: dict[str, NDArray[Any]] = {"layer": np.array(layer)}
    for side, found in sides.items():
        arrays |= {f"{side}_{field.name}": getattr(found, field.name) for field in fields(Observed)}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomic(path, buffer.getvalue())


def load_observed(path: Path) -> tuple[dict[Side, Observed], str]:
    """Return what was observed on each side, and the name of the layer."""
    with np.load(path, allow_pickle=False) as file:
        sides: dict[Side, Observed] = {
            side: Observed(**{field.name: file[f"{side}_{field.name}"] for field in fields(Observed)})
            for side in ("old", "new")
            if f"{side}_rows" in file
        }
        return sides, str(file["layer"])
