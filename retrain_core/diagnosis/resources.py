"""What there is to compute on, and which strategies fit a budget of time and memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retrain_core.types import Affordable, Device, Estimate, Machine


def machine(devices: Sequence[Device], memory_mb: float, free_mb: float) -> Machine:
    """Return what there is to compute on.

    Args:
        devices: Those found, the CPU among them.
        memory_mb: All main memory that may be used, see ``retrain_core.machine``.
        free_mb: What is free of it now.

    >>> machine([Device("cpu", "CPU", 4), Device("gpu:0", "T4", 1)], 16_000, 9_000)
    Machine(cores=4, memory_mb=16000, free_mb=9000, gpus=('T4',))
    """
    cores = sum(device.cores for device in devices if device.name == "cpu")
    return Machine(
        cores, memory_mb, free_mb, tuple(device.title for device in devices if device.name != "cpu")
    )


def affordable(
    estimates: Mapping[str, Estimate | None], seconds: float | None, memory_mb: float | None
) -> tuple[Affordable, ...]:
    """Return whether each strategy fits a budget.

    It fits if even the most seconds that it may take are within; whether it does cannot be told if only the least are.

    Args:
        estimates: By strategy, for one seed; ``None`` where there is no forecast.
        seconds: Training time to spend; ``None`` for no limit.
        memory_mb: Memory to use; ``None`` for no limit.

    Returns:
        In the order of ``estimates``.

    >>> affordable({"keep": Estimate((0, 1), 300, (0, 0))}, seconds=60, memory_mb=1_000)[0].why
    'It takes 0 to 1 s and 300 MB.'
    """
    return tuple(
        Affordable(name, None, "There is no forecast yet.")
        if estimate is None
        else _judged(name, estimate, seconds, memory_mb)
        for name, estimate in estimates.items()
    )


def _judged(name: str, estimate: Estimate, seconds: float | None, memory_mb: float | None) -> Affordable:
    least, most = estimate.seconds
    needs = f"It takes {_range(least, most)} and {_size(estimate.peak_memory_mb)}"
    over = []
    if seconds is not None and least > seconds:
        over.append(f"at least {_time(least)} is more than {_time(seconds)}")
    if memory_mb is not None and estimate.peak_memory_mb > memory_mb:
        over.append(f"{_size(estimate.peak_memory_mb)} is more than {_size(memory_mb)}")
    if over:
        advice = f" {estimate.advice}" if estimate.advice else ""
        text = " and ".join(over)
        return Affordable(name, False, f"{text[:1].upper()}{text[1:]}.{advice}")
    if seconds is not None and most > seconds:
        return Affordable(name, None, f"{needs}: it may end within {_time(seconds)}, or not.")
    return Affordable(name, True, f"{needs}.")


def _range(least: float, most: float) -> str:
    low, high = _time(least), _time(most)
    if low == high:
        return f"about {high}"
    unit = high.rsplit(" ", 1)[1]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def _time(seconds: float) -> str:
    """Return a time as people read it.

    >>> _time(0.4), _time(42.4), _time(150), _time(7_000)
    ('0.4 s', '42 s', '2.5 min', '1.9 h')
    """
    if seconds < 120:
        return f"{seconds:.1f}".removesuffix(".0") + " s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.2g} min" if seconds < 5_400 else f"{seconds / 3_600:,.1f} h"


def _size(megabytes: float) -> str:
    """Return an amount of memory as people read it.

    >>> _size(812.3), _size(4_300)
    ('812 MB', '4.3 GB')
    """
    return f"{megabytes:.0f} MB" if megabytes < 1_000 else f"{megabytes / 1_000:.1f} GB"
