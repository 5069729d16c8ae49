"""Rows for the speed of shift reports: 16 numbers of several distributions and 4 texts of few values.

It imports nothing of ours: the peers' environment makes the same rows.
"""

import numpy as np
import pandas as pd

NUMBERS, TEXTS = 16, 4


def sides(rows):
    """Return old and new rows; every fourth column moved a little."""
    return tuple(made(np.random.default_rng(side), rows, side) for side in (0, 1))


def made(rng, rows, side):
    """Return the rows of one side."""
    columns = {}
    for number in range(NUMBERS):
        values = rng.standard_normal(rows)
        if number % 4 == 1:
            np.exp(values, out=values)
        if number % 4 == 0:
            values += 0.1 * side
        columns[f"x{number}"] = values
    for number in range(TEXTS):
        names = np.array([f"value {code}" for code in range((3, 5, 10, 20)[number])], dtype=object)
        shares = 1 / np.arange(1.0 + side * (number == 0), len(names) + 1 + side * (number == 0))
        codes = rng.choice(len(names), rows, p=shares / shares.sum()).astype(np.int8)
        columns[f"k{number}"] = pd.Series(pd.Categorical.from_codes(codes, names)).astype("str")
    return pd.DataFrame(columns)
