"""Disturbances of a model's inputs: what each does, how strong, counted in what; ``DISTURBANCES`` lists them.

Every function takes an array of values, shape ``(rows, ...)``, a severity in the disturbance's own unit, what is known of
the values, and a generator; it returns new values and changes nothing. The same generator gives nested disturbances:
a value that is missing at a share of 10 % is missing at 25 % too, so a curve over severities is not shaken by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

InputKind = Literal["numbers", "codes", "text", "image", "series"]
Values = NDArray[Any]

MOST_CHANNELS = 4
LEAST_PIXELS = 3  # a side of an image
PIXEL_RANGES = ((0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-128.0, 127.0))


@dataclass(frozen=True)
class Facts:
    """What is known of the values of one input, from undisturbed rows.

    Args:
        kind: What they are.
        mean: Of each number, or of each channel of a series; shape that broadcasts to the rows.
        spread: Standard deviation, the same shape.
        usual: The most frequent value of each code, the same shape; empty text for text.
        low: Darkest pixel there may be.
        high: Brightest pixel there may be.
        uphill: For each value of these rows, the sign of the gradient of the loss; ``None`` where it is not known.
    """

    kind: InputKind
    mean: Values
    spread: Values
    usual: Values
    low: float = 0.0
    high: float = 1.0
    uphill: NDArray[np.int8] | None = None


@dataclass(frozen=True)
class Disturbance:
    """One way to disturb inputs.

    Args:
        title: For people, in lower case.
        unit: What the severity counts.
        severities: From weak to strong.
        kinds: Which inputs it applies to.
        apply: Does it.
        single: Whether it is done to one column at a time.
        uphill: Whether it needs the direction in which the loss grows.
    """

    title: str
    unit: str
    severities: tuple[float, ...]
    kinds: tuple[InputKind, ...]
    apply: Callable[[Values, float, Facts, np.random.Generator], Values]
    single: bool = False
    uphill: bool = False


def kind_of(shape: tuple[int | None, ...], dtype: str, *, steps: bool, named: bool = False) -> InputKind:
    """Return what the values of an input are.

    Args:
        shape: Of one example.
        dtype: Of the model's input.
        steps: Whether the model goes through inputs step by step (recurrent layers, 1D convolutions, attention); then
            an array of two axes is a series rather than a grey image.
        named: Whether every value of a row has a column of its own; then numbers are a table, whatever their shape.

    >>> kind_of((28, 28, 3), "uint8", steps=False), kind_of((30, 6), "float32", steps=True), kind_of((7,), "int64", steps=False)
    ('image', 'series', 'codes')
    """
    if dtype == "string":
        return "text"
    large = len(shape) >= 2 and all(size is None or size >= LEAST_PIXELS for size in shape[:2])
    grey = len(shape) == 2 and not steps
    coloured = len(shape) == 3 and shape[2] is not None and shape[2] <= MOST_CHANNELS
    if large and (grey or coloured):
        return "image"
    if not dtype.startswith(("float", "bfloat")):
        return "codes"
    is_series = len(shape) >= 2 and (steps or any(size != 1 for size in shape[1:]))
    return "series" if is_series and not named else "numbers"


def facts_of(values: Values, kind: InputKind) -> Facts:
    """Return what is known of an input from undisturbed rows, shape ``(rows, ...)``.

    Pixels are taken to reach over the narrowest usual range that holds them all: 0 to 1, -1 to 1, 0 to 255, -128 to 127.
    """
    nothing = np.zeros(values.shape[1:])
    if kind == "text":
        return Facts(kind, nothing, nothing, np.array(""))
    if kind == "codes":
        return Facts(kind, nothing, nothing, _most_frequent(values))
    if kind == "image":
        low, high = float(values.min()), float(values.max())
        usual = [ends for ends in PIXEL_RANGES if ends[0] <= low and high <= ends[1]]
        low, high = usual[0] if usual else (low, high)
        return Facts(kind, nothing, nothing, nothing, low, high)
    axes = tuple(range(values.ndim - 1)) if kind == "series" else 0
    mean, spread = values.mean(axis=axes, dtype=np.float64), values.std(axis=axes, dtype=np.float64)
    return Facts(kind, mean, spread, mean)


def _most_frequent(values: Values) -> Values:
    flat = values.reshape(len(values), -1)
    found = np.empty(flat.shape[1], values.dtype)
    for column in range(flat.shape[1]):
        kept, counts = np.unique(flat[:, column], return_counts=True)
        found[column] = kept[counts.argmax()]
    return found.reshape(values.shape[1:])


# --- numbers, codes, text, series -----------------------------------------------------------------


def noise(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Add Gaussian noise of ``severity`` standard deviations of each column."""
    return values + severity * facts.spread * rng.standard_normal(values.shape, np.float32)


def missing(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Replace a share of the values by what one would fill in: the mean, the most frequent code, empty text."""
    return np.where(rng.random(values.shape, np.float32) < severity, facts.usual, values)


def shuffled(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Put a share of the time steps of each series in another order."""
    steps = np.tile(np.arange(values.shape[1]), (len(values), 1))
    for row in steps:
        among = rng.permutation(len(row))[: max(2, round(severity * len(row)))]
        row[among] = rng.permutation(row[among])
    return np.take_along_axis(values, steps.reshape(*steps.shape, *(1,) * (values.ndim - 2)), axis=1)


def permuted(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Give a column's values to other rows, all of them.

    Source: Breiman (2001), Machine Learning 45(1) (permutation importance).
    """
    return rng.permutation(values)


def moved(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Add ``severity`` standard deviations."""
    return values + severity * facts.spread


def uphill(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Move every value by ``severity`` standard deviations in the direction in which the loss grows.

    Source: Goodfellow, Shlens and Szegedy (2015), arXiv 1412.6572 (fast gradient sign method).
    """
    assert facts.uphill is not None
    return values + severity * facts.spread * facts.uphill


# --- images ---------------------------------------------------------------------------------------


def pixel_noise(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Add Gaussian noise of ``severity`` of the pixel range to every value."""
    return _pixels(values + severity * _range(facts) * rng.standard_normal(values.shape, np.float32), facts)


def blur(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Blur by a Gaussian kernel with a standard deviation of ``severity`` pixels."""
    sigma = (0, severity, severity) + (0,) * (values.ndim - 3)
    return np.asarray(ndimage.gaussian_filter(_float(values), sigma, mode="nearest"))


def brightness(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Add ``severity`` of the pixel range to every value; a negative one makes images darker."""
    return _pixels(_float(values) + severity * _range(facts), facts)


def rotation(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Turn images by ``severity`` degrees about their centre, at random one way or the other; edges are continued."""
    turned, left = _float(values).copy(), rng.random(len(values)) < 0.5
    for rows, angle in ((left, severity), (~left, -severity)):
        if rows.any():
            turned[rows] = ndimage.rotate(
                turned[rows], angle, axes=(2, 1), reshape=False, order=1, mode="nearest"
            )
    return turned


def pixels_uphill(values: Values, severity: float, facts: Facts, rng: np.random.Generator) -> Values:
    """Move every value by ``severity`` of the pixel range in the direction in which the loss grows.

    Source: Goodfellow, Shlens and Szegedy (2015), arXiv 1412.6572 (fast gradient sign method).
    """
    assert facts.uphill is not None
    return _pixels(values + np.float32(severity * _range(facts)) * facts.uphill, facts)


def _float(values: Values) -> NDArray[np.float32]:
    return values.astype(np.float32, copy=False)


def _range(facts: Facts) -> float:
    return facts.high - facts.low


def _pixels(values: Values, facts: Facts) -> Values:
    return np.clip(values, facts.low, facts.high)


# --- the table ------------------------------------------------------------------------------------

SD, SHARE, PIXEL_SHARE = "standard deviations", "share of the values", "share of the pixel range"
TABLE: tuple[InputKind, ...] = ("numbers", "codes", "text")
FGSM = "noise against the model (FGSM)"

# fmt: off
DISTURBANCES: Mapping[str, Disturbance] = {
    "noise": Disturbance("random noise", SD, (0.1, 0.25, 0.5, 1.0), ("numbers", "series"), noise),
    "missing": Disturbance("missing values", SHARE, (0.1, 0.25, 0.5), (*TABLE, "series"), missing),
    "shuffled": Disturbance("time steps in another order", "share of the steps", (0.1, 0.25, 0.5), ("series",), shuffled),
    "fgsm": Disturbance(FGSM, SD, (0.05, 0.1, 0.25), ("numbers", "series"), uphill, uphill=True),
    "pixel_noise": Disturbance("random noise", PIXEL_SHARE, (0.05, 0.1, 0.2, 0.3), ("image",), pixel_noise),
    "blur": Disturbance("blur", "pixels", (0.5, 1.0, 1.5, 2.0), ("image",), blur),
    "brightness": Disturbance("brightness", PIXEL_SHARE, (-0.3, -0.15, 0.15, 0.3), ("image",), brightness),
    "rotation": Disturbance("rotation", "degrees", (5.0, 10.0, 20.0, 30.0), ("image",), rotation),
    "pixel_fgsm": Disturbance(FGSM, PIXEL_SHARE, (0.004, 0.008, 0.016, 0.032), ("image",), pixels_uphill, uphill=True),
    "permuted": Disturbance("one column shuffled among the rows", "share of the rows", (1.0,), TABLE, permuted, single=True),
    "moved": Disturbance("one column moved", SD, (-1.0, 1.0), ("numbers",), moved, single=True),
}
# fmt: on
