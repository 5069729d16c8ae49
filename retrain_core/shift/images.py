"""A few numbers about each example of an array, so that images go through the same report as tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CHUNK = 256  # examples at a time, to keep memory low
MOST_CHANNELS = 4
SUMMARIES = "columns summarise the inputs"


def image_features(array: NDArray[Any]) -> pd.DataFrame:
    """Return brightness, contrast and sharpness of each image; mean and spread for other arrays.

    Args:
        array: Shape ``(n, height, width)`` or ``(n, height, width, channels)`` with at most 4 channels for images;
            any other shape ``(n, ...)`` is described by its mean and spread.

    Returns:
        One row an example, in the array's own units: ``brightness`` (mean), ``contrast`` (standard deviation),
        ``sharpness`` (root mean square of the Laplacian); or ``mean`` and ``spread``. The frame is marked as a
        summary, so that nothing is concluded from it about the concept.

    Raises:
        ValueError: If the array has no axis of examples or does not hold numbers.

    Source: Pech-Pacheco et al. (2000), ICPR, for the Laplacian as a measure of focus.

    >>> image_features(np.zeros((2, 8, 8))).columns.tolist()
    ['brightness', 'contrast', 'sharpness']
    """
    if array.ndim == 0 or array.dtype.kind not in "biuf":
        raise ValueError("Expected an array of numbers with one example a row.")
    images = is_images(array)
    names = ["brightness", "contrast", "sharpness"] if images else ["mean", "spread"]
    described = np.empty((len(array), len(names)))
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, len(array), CHUNK):
            part = array[start : start + CHUNK].astype(np.float64)
            described[start : start + CHUNK] = _image(part) if images else _any(part)
    frame = pd.DataFrame(described, columns=names)
    frame.attrs[SUMMARIES] = True
    return frame


def is_images(array: NDArray[Any]) -> bool:
    """Return whether an array looks like one image a row."""
    axes = array.ndim == 3 or (array.ndim == 4 and array.shape[3] <= MOST_CHANNELS)
    return axes and min(array.shape[1:3]) >= 3


def is_summary(frame: pd.DataFrame) -> bool:
    """Return whether a frame's columns only summarise the inputs, as those of :func:`image_features` do."""
    return bool(frame.attrs.get(SUMMARIES))


def _image(images: NDArray[np.float64]) -> NDArray[np.float64]:
    grey = images.mean(axis=3) if images.ndim == 4 else images
    inner = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    sharpness = np.sqrt(np.mean((around - 4 * inner) ** 2, axis=(1, 2)))
    return np.column_stack([grey.mean(axis=(1, 2)), grey.std(axis=(1, 2)), sharpness])


def _any(examples: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = examples.reshape(len(examples), -1)
    if not flat.shape[1]:
        return np.full((len(flat), 2), np.nan)
    return np.column_stack([flat.mean(axis=1), flat.std(axis=1)])
