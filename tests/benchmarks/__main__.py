"""Run every benchmark: each measures two ways side by side in one run and prints the ratio of their medians."""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

from tests.benchmarks import throughput, warm_workers

Ways = dict[str, Callable[[], float]]
BENCHMARKS: dict[str, Callable[[], Ways]] = {
    "an epoch of training: our loop against fit (100 000 x 30, Dense 64-32-1, batch 32)": throughput.ways,
    "from the start of a worker to its first event: warm against cold": warm_workers.ways,
}
REPEATS = 5


def main() -> None:
    """Print a table: seconds of both ways (medians), and how many times faster the first is."""
    for title, ways in BENCHMARKS.items():
        (ours, first), (theirs, second) = ways().items()
        first(), second()  # tracing, caches
        pairs = [(first(), second()) for _ in range(REPEATS)]
        mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
        print(f"{title}\n  {ours} {mine:.3f} s, {theirs} {other:.3f} s, ratio {other / mine:.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
