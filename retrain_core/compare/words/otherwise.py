"""What would change the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrain_core.compare.words.context import Context
from retrain_core.strategies.naming import title


def changes(
    context: Context, by_weight: Mapping[float, str], unlimited: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what would change the choice.

    Args:
        context: The choice.
        by_weight: The choice at each weight of the old rows.
        unlimited: The choice without a limit, by the limit's field.
    """
    found = [
        f"If the old rows count {_weights(run)}, {_lower(title(name))}."
        for name, run in _runs(by_weight)
        if name != context.choice
    ]
    limits = {
        "most_seconds": "Without the limit on time",
        "most_forgetting": "Without the limit on forgetting",
    }
    found += [
        f"{limits[limit]}, {_lower(title(name))}."
        for limit, name in unlimited.items()
        if name != context.choice
    ]
    return tuple(found)


def _runs(by_weight: Mapping[float, str]) -> list[tuple[str, list[float]]]:
    """Return the choices with the weights next to each other at which they hold."""
    runs: list[tuple[str, list[float]]] = []
    for weight, name in by_weight.items():
        if runs and runs[-1][0] == name:
            runs[-1][1].append(weight)
        else:
            runs.append((name, [weight]))
    return runs


def _weights(run: Sequence[float]) -> str:
    """Return weights next to each other in words.

    >>> _weights([0.0, 0.05, 0.1]), _weights([0.9, 1.0]), _weights([0.5]), _weights([0.4, 0.5]), _weights([0.0])
    ('10 % or less', '90 % or more', '50 %', '40 % to 50 %', 'nothing')
    """
    low, high = (f"{100 * end:.0f} %" for end in (run[0], run[-1]))
    if run[0] == 0:
        return f"{high} or less" if run[-1] > 0 else "nothing"
    if run[-1] == 1:
        return f"{low} or more" if run[0] < 1 else "alone"
    return f"{low} to {high}" if low != high else low


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
