"""The 95 % intervals hold the true value about as often as they say; the benchmark goes through more cases."""

import pytest

from tests.benchmarks.shift_coverage import categorical, numeric

LEAST, WIDEST = (
    0.90,
    3.0,
)  # 0.95 and three standard errors of 200 draws; and the width without knowing the direction


@pytest.mark.parametrize("d", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(
    ("shape", "rows"), [("normal", (200, 200)), ("skewed", (500, 500)), ("heavy tails", (2_000, 300))]
)
def test_numbers(shape, d, rows):
    for found in numeric(shape, d, rows, 200):
        assert found.coverage >= LEAST, found
        assert found.width <= WIDEST or d == 0, found
        assert found.bias[0] <= 0.05 and found.bias[0] <= found.bias[1], found


@pytest.mark.parametrize("d", [0.0, 0.3, 1.0])
@pytest.mark.parametrize(("size", "rows"), [(2, (200, 200)), (10, (2_000, 500)), (50, (1_000, 1_000))])
def test_categories(size, d, rows):
    for found in categorical(size, "half rise", d, rows, 200):
        assert found.coverage >= LEAST, found
        assert found.width <= WIDEST or d == 0, found


def test_without_a_shift_few_rows_make_no_effect():
    corrected = {found.measure: found.bias for found in numeric("normal", 0.0, (100, 100), 200)}
    assert corrected["effect_size"][0] < 0.1
    assert (
        corrected["wasserstein"][0] < 0.06 < 0.12 < corrected["wasserstein"][1]
    )  # the plain value is too large
    assert corrected["ks"][0] < 0.04 < 0.08 < corrected["ks"][1]
