"""What is there is found, what is not raises no alarm, and what is negligible is called so."""

from tests.benchmarks.shift_alarms import alarms
from tests.benchmarks.shift_power import correlation, negligible, one_of_fifty


def test_a_third_of_a_deviation_in_one_of_fifty_columns_is_found():
    assert one_of_fifty(12) == 1


def test_a_correlation_with_equal_marginals_is_found():
    assert correlation(10) == 1


def test_a_hundredth_of_a_deviation_is_real_but_negligible():
    column = negligible(300_000, 0.01)
    assert column.level == "none" and column.measures["ks"].p_adjusted < 0.05
    assert column.summary.endswith("Real, but negligible.")
    assert column.effect < 0.03


def test_few_and_unequal_rows_raise_no_alarm():
    # At an honest 5 % there are more than 4 in one of twenty draws of 40; twice as many alarms would mostly be seen.
    assert alarms((30, 30), 40, columns=10).alarms <= 4
    assert alarms((500, 40), 40, columns=10).alarms <= 4
