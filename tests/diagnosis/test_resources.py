"""What there is to compute on, and what fits."""

import pytest

from retrain_core.diagnosis import affordable, machine
from retrain_core.types import Device, Estimate


def judge(seconds, memory_mb, *, takes=(10.0, 40.0), needs=800.0, advice=""):
    estimates = {"fine_tune": Estimate(takes, needs, (0, 0), advice=advice)}
    (found,) = affordable(estimates, seconds, memory_mb)
    return found


def test_a_machine_lists_cores_memory_and_gpus():
    found = machine(
        [Device("cpu", "CPU, 8 cores", 8), Device("gpu:0", "A", 1), Device("gpu:1", "B", 1)], 32_000, 9
    )
    assert (found.cores, found.memory_mb, found.free_mb, found.gpus) == (8, 32_000, 9, ("A", "B"))


@pytest.mark.parametrize(
    ("seconds", "memory_mb", "fits", "why"),
    [
        (None, None, True, "It takes 10 to 40 s and 800 MB."),
        (40, 800, True, "It takes 10 to 40 s and 800 MB."),
        (39, None, None, "It takes 10 to 40 s and 800 MB: it may end within 39 s, or not."),
        (10, None, None, "It takes 10 to 40 s and 800 MB: it may end within 10 s, or not."),
        (9, None, False, "At least 10 s is more than 9 s."),
        (None, 799, False, "800 MB is more than 799 MB."),
        (9, 799, False, "At least 10 s is more than 9 s and 800 MB is more than 799 MB."),
        (20, 799, False, "800 MB is more than 799 MB."),
    ],
)
def test_a_budget_decides_and_says_why(seconds, memory_mb, fits, why):
    found = judge(seconds, memory_mb)
    assert (found.fits, found.why) == (fits, why)


def test_advice_is_passed_on_where_memory_is_short():
    assert judge(None, 100, advice="Use a batch size of 8.").why.endswith("Use a batch size of 8.")


def test_times_are_in_one_unit_or_two():
    assert judge(None, None, takes=(0.2, 0.2)).why == "It takes about 0.2 s and 800 MB."
    assert judge(None, None, takes=(30.0, 300.0), needs=4_300.0).why == "It takes 30 s to 5 min and 4.3 GB."
    assert judge(None, None, takes=(180.0, 300.0)).why == "It takes 3 to 5 min and 800 MB."


def test_without_a_forecast_it_cannot_be_told():
    found = affordable({"keep": None, "fine_tune": Estimate((0, 1), 1, (0, 0))}, 10, None)
    assert [one.strategy for one in found] == ["keep", "fine_tune"]
    assert found[0].fits is None and found[0].why == "There is no forecast yet."
