"""Disturbances do what their name says, in the unit they say, and nothing to the rows they are given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from retrain_core.diagnosis.disturb import DISTURBANCES, Facts, InputKind, facts_of, kind_of

ROWS = 400


def values_of(kind: InputKind) -> np.ndarray:
    rng = np.random.default_rng(0)
    if kind == "text":
        return rng.choice(["red", "green"], (ROWS, 1))
    if kind == "codes":
        return rng.integers(0, 5, (ROWS, 3)) ** 2
    if kind == "image":
        return rng.integers(40, 200, (ROWS, 9, 9, 1)).astype(np.uint8)
    if kind == "series":
        return rng.normal([10, -5], [1, 20], (ROWS, 12, 2)).astype(np.float32)
    return rng.normal([10, -5, 0], [1, 20, 0], (ROWS, 3)).astype(np.float32)


def disturbed(
    name: str, severity: float, kind: InputKind, values: np.ndarray | None = None, facts: Facts | None = None
):
    values = values_of(kind) if values is None else values
    rng = np.random.default_rng(1)
    return DISTURBANCES[name].apply(values, severity, facts or facts_of(values, kind), rng)


CASES = [(name, kind) for name, d in DISTURBANCES.items() for kind in d.kinds]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_every_disturbance_changes_some_values_and_never_the_rows_it_is_given(
    name: str, kind: InputKind
) -> None:
    disturbance, values = DISTURBANCES[name], values_of(kind)
    facts = replace(facts_of(values, kind), uphill=np.ones(values.shape, np.int8))
    if disturbance.single:
        values, facts = values[:, 0], replace(facts, spread=np.ravel(facts.spread)[0])
    before = values.copy()
    for severity in disturbance.severities:
        after = disturbance.apply(values, severity, facts, np.random.default_rng(0))
        assert after.shape == values.shape and not np.array_equal(after, values)
        again = disturbance.apply(values, severity, facts, np.random.default_rng(0))
        assert np.array_equal(after, again)
    assert np.array_equal(values, before)
    assert list(disturbance.severities) == sorted(disturbance.severities) and disturbance.unit


def test_noise_is_counted_in_standard_deviations_of_each_column() -> None:
    values = values_of("numbers")
    added = (disturbed("noise", 0.5, "numbers") - values).std(axis=0)
    assert added == pytest.approx(0.5 * values.std(axis=0), rel=0.1)


def test_a_channel_of_a_series_has_one_spread_over_rows_and_steps() -> None:
    values = values_of("series")
    added = (disturbed("noise", 0.5, "series") - values).std(axis=(0, 1))
    assert added == pytest.approx(0.5 * values.std(axis=(0, 1)), rel=0.05)


@pytest.mark.parametrize("kind", ["numbers", "codes", "text", "series"])
def test_missing_values_are_a_share_and_are_filled_as_one_would(kind: InputKind) -> None:
    values = values_of(kind)
    facts, few, many = facts_of(values, kind), *(disturbed("missing", share, kind) for share in (0.25, 0.5))
    filled = many == facts.usual.astype(many.dtype)
    assert 0.45 < (filled | (many != values)).mean() <= 0.75
    assert np.array_equal(many[~filled], values[~filled])
    assert not np.any((few != values) & (many == values)), "what is missing at 25 % is missing at 50 %"


def test_the_usual_code_is_the_most_frequent_one_and_the_usual_text_is_empty() -> None:
    codes = np.array([[7, 1], [7, 2], [3, 2]])
    assert facts_of(codes, "codes").usual.tolist() == [7, 2]
    assert facts_of(values_of("text"), "text").usual == ""


def test_shuffled_steps_are_the_same_steps_and_a_share_of_them_moves() -> None:
    values = values_of("series")
    after = disturbed("shuffled", 0.5, "series")
    assert np.array_equal(np.sort(after[..., 0], axis=1), np.sort(values[..., 0], axis=1))
    moved = (after != values).any(axis=2).sum(axis=1)
    assert moved.max() <= 6 and 4 < moved.mean() < 6  # some of six stay where they are by chance
    assert np.array_equal(after[..., 1] == values[..., 1], after[..., 0] == values[..., 0])


def test_a_permuted_column_keeps_its_values() -> None:
    column = values_of("numbers")[:, 0]
    after = disturbed("permuted", 1.0, "numbers", column)
    assert np.array_equal(np.sort(after), np.sort(column)) and (after != column).mean() > 0.9


def test_blur_spreads_a_point_by_its_pixels_and_keeps_the_light() -> None:
    image = np.zeros((1, 31, 31), np.float32)
    image[0, 15, 15] = 1.0
    after = disturbed("blur", 2.0, "image", image)[0]
    at = np.arange(31) - 15
    assert after.sum() == pytest.approx(1.0, rel=1e-4)
    assert np.sqrt((after.sum(axis=0) * at**2).sum()) == pytest.approx(2.0, rel=0.02)


def test_brightness_adds_a_share_of_the_range_and_stays_in_it() -> None:
    image = np.array([[[0, 100, 250]] * 3], np.uint8)
    assert disturbed("brightness", 0.2, "image", image)[0, 0].tolist() == [51, 151, 255]
    assert disturbed("brightness", -0.2, "image", image)[0, 0].tolist() == [0, 49, 199]


def test_images_are_turned_both_ways_by_the_angle() -> None:
    images = np.repeat(np.arange(25, dtype=np.float32).reshape(1, 5, 5), 20, axis=0)
    after = disturbed("rotation", 90.0, "image", images)
    one, other = np.rot90(images[0]), np.rot90(images[0], -1)
    ways = [np.allclose(image, one, atol=1e-3) for image in after]
    assert 0 < sum(ways) < 20
    assert all(way or np.allclose(image, other, atol=1e-3) for way, image in zip(ways, after, strict=True))


def test_every_value_is_moved_uphill_by_the_same_share() -> None:
    values = values_of("image")
    signs = np.where(values > 120, 1, -1).astype(np.int8)
    facts = replace(facts_of(values, "image"), uphill=signs)
    after = disturbed("pixel_fgsm", 0.01, "image", values, facts)
    assert after - values == pytest.approx(2.55 * signs, abs=1e-4)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.2, 0.9, (0, 1)),
        (-0.5, 1, (-1, 1)),
        (3, 200, (0, 255)),
        (-90, 100, (-128, 127)),
        (-5, 900, (-5, 900)),
    ],
)
def test_the_range_of_pixels_is_told_from_them(
    low: float, high: float, expected: tuple[float, float]
) -> None:
    values = np.linspace(low, high, 90).reshape(10, 3, 3)
    facts = facts_of(values, "image")
    assert (facts.low, facts.high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("shape", "dtype", "steps", "expected"),
    [
        ((4,), "float32", False, "numbers"),
        ((), "float32", False, "numbers"),
        ((4, 1), "float32", True, "series"),
        ((4, 1), "float32", False, "numbers"),
        ((30, 6), "float32", True, "series"),
        ((None, 6), "float32", True, "series"),
        ((28, 28), "float32", False, "image"),
        ((28, 28, 3), "float32", False, "image"),
        ((None, None, 3), "uint8", False, "image"),
        ((5, 28, 28, 1), "float32", False, "series"),
        ((3,), "int64", False, "codes"),
        ((30, 6), "int32", True, "codes"),
        ((1,), "string", False, "text"),
    ],
)
def test_what_an_input_holds_is_told_from_its_shape_and_type(shape, dtype, steps, expected) -> None:
    assert kind_of(shape, dtype, steps=steps) == expected


def test_named_columns_are_a_table_whatever_their_shape() -> None:
    assert kind_of((30, 1), "float32", steps=True, named=True) == "numbers"
    assert kind_of((28, 28, 1), "float32", steps=False, named=True) == "image"
