"""An axis of training times: even, or logarithmic with keep's 0 apart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

WIDE = 12  # times as long as the shortest: then seconds are drawn on a logarithmic axis
MOST_TICKS = 5


def time_axis(seconds: Mapping[str, float]) -> tuple[dict[str, float], dict[str, Any]]:
    """Return where each candidate stands on the time axis, and the axis; keep's 0 stands apart on a logarithmic one."""
    taken = [value for value in seconds.values() if value > 0]
    if not taken or max(taken) <= WIDE * min(taken):
        most = max(taken, default=1.0)
        words = "training alone (seconds)"
        return dict(seconds), {"range": [-0.05 * most, 1.08 * most], "nticks": 6, "words": words}
    low, high = math.log10(min(taken)), math.log10(max(taken))
    zero = low - 0.6
    places = {name: math.log10(value) if value > 0 else zero for name, value in seconds.items()}
    ticks = _log_ticks(min(taken), max(taken))
    return places, {
        "tickvals": [zero, *(math.log10(tick) for tick in ticks)],
        "ticktext": ["0", *(f"{tick:,g}" for tick in ticks)],
        "range": [zero - 0.15, high + 0.15],
        "words": "training alone (seconds)<br>log scale, 0 apart",
    }


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from ``low`` to ``high``, not more than can be read.

    >>> _log_ticks(3, 40), _log_ticks(0.5, 5000)
    ([5, 10, 20], [1, 10, 100, 1000])
    """
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= MOST_TICKS:
            break
    return ticks
