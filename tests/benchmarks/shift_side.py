"""One side of the race of shift reports: ours, one sort and count of every column, Evidently, or NannyML.

    python -m tests.benchmarks.shift_side WHO ROWS

The peers run in an environment of their own, so nothing of ours is imported but for our own side.
"""

import logging
import os
import sys
import time
import warnings

os.environ["DO_NOT_TRACK"] = os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import numpy as np

from tests.benchmarks.shift_data import sides
from tests.benchmarks.side import answer


def ours(old, new):
    """Return a call of our whole report, all columns together included, and what tells its memory."""
    from retrain_core.shift import shift_report

    return lambda: shift_report(old, new, label=None)


def sort_and_count(old, new):
    """Return a call that sorts each numeric column of each side once and counts each other column once."""

    def call():
        for side in (old, new):
            for name in side.columns:
                if name.startswith("x"):
                    np.sort(side[name].to_numpy())
                else:
                    side[name].value_counts()

    return call


def evidently(old, new):
    """Return a call of the preset for data drift."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    return lambda: Report([DataDriftPreset()]).run(new, old).dict()


def nannyml(old, new):
    """Return a call of the univariate calculator with the measures that we take too, where it has them."""
    from nannyml import UnivariateDriftCalculator

    def call():
        calculator = UnivariateDriftCalculator(
            column_names=list(old.columns),
            continuous_methods=["kolmogorov_smirnov", "jensen_shannon", "wasserstein"],
            categorical_methods=["chi2", "jensen_shannon"],
        )
        calculator.fit(old)
        calculator.calculate(new)

    return call


SIDES = {"ours": ours, "sort_and_count": sort_and_count, "evidently": evidently, "nannyml": nannyml}


def main():
    """Measure whenever asked: seconds, most memory beyond the data in bytes, and the data's bytes."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    old, new = sides(int(sys.argv[2]))
    data = sum(int(side.memory_usage(deep=True, index=False).sum()) for side in (old, new))
    call = SIDES[sys.argv[1]](old, new)
    shift_warm_up = sides(1_000)
    SIDES[sys.argv[1]](*shift_warm_up)()

    def measure():
        before = most_memory(reset=True)
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
        return seconds, most_memory() - before, data

    answer(measure)


def most_memory(*, reset=False):
    """Return the most memory that this process held since the last reset, in bytes (Linux)."""
    if reset:
        import ctypes
        import gc

        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)  # what was freed must not serve the next call unseen
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
