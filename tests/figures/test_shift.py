"""How columns and label moved: binned, labelled, readable without colour, harmless whatever the names."""

import json

import numpy as np
import pandas as pd
import pytest

from retrain_core.figures.shift import column_distribution, column_effects
from retrain_core.shift import shift_report

HOSTILE = "<a href='javascript:alert(1)'>x</a><b>\n" + "long " * 20


def frames(rows: int = 500, move: float = 1.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(0)
    sides = []
    for shift in (0.0, move):
        frame = pd.DataFrame({"amount": rng.normal(shift, 1, rows), "steady": rng.normal(0, 1, rows)})
        frame["weekday"] = rng.integers(0, 7, rows)
        frame["town"] = rng.choice([f"town {i}" for i in range(30)], rows)
        frame["day"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(
            rng.integers(0, 90, rows) + 30 * shift, "D"
        )
        frame["size"] = rng.choice(["10", "9", "large"], rows)
        frame["empty"] = np.nan
        frame["late"] = rng.integers(0, 2, rows)
        sides.append(frame)
    return sides[0], sides[1]


OLD, NEW = frames()
REPORT = shift_report(OLD, NEW, label="late")
SHIFTS = {shift.name: shift for shift in REPORT.columns}
SHOWN = [name for name in SHIFTS if name != "empty"]


def distribution(name, old=None, new=None):
    if old is None:
        return column_distribution(SHIFTS[name])
    report = shift_report(old[[name]], new[[name]], label=None)
    return column_distribution(report.columns[0])


@pytest.mark.parametrize("name", SHOWN)
def test_each_side_is_one_trace_of_shares_that_add_up(name):
    figure = distribution(name)
    assert [trace.name for trace in figure.data] == ["old (500)", "new (500)"]
    for trace in figure.data:
        assert 98 <= sum(trace.y) <= 100 + 1e-6


@pytest.mark.parametrize("name", SHOWN)
def test_rows_do_not_travel(name):
    many_old, many_new = frames(20_000)
    few, many = distribution(name), distribution(name, many_old, many_new)
    assert max(len(trace.x) for trace in many.data) <= 45
    assert len(many.to_json()) < 1.5 * len(few.to_json()) + 2_000


@pytest.mark.parametrize("name", SHOWN)
def test_axes_say_what_they_count(name):
    layout = distribution(name).layout
    assert layout.yaxis.title.text == "share of values (%)"
    kind = {"day": "date", "amount": "value", "steady": "value"}.get(name, "category")
    assert layout.xaxis.title.text.split("<br>")[0] == f"{name} ({kind})"


@pytest.mark.parametrize("name", SHOWN)
def test_old_and_new_differ_in_more_than_colour(name):
    old, new = distribution(name).data
    assert old.marker.color != new.marker.color
    assert old.marker.pattern.shape == "/" and new.marker.pattern.shape is None


def test_both_sides_share_their_bins():
    old, new = distribution("amount").data
    assert np.array_equal(old.x, new.x) and np.array_equal(old.width, new.width)


def test_categories_are_in_the_order_of_numbers_then_letters():
    assert distribution("size").data[0].x == ("9", "10", "large")
    assert distribution("weekday").data[0].x == tuple("0123456")
    assert distribution("weekday").layout.xaxis.type == "category"


def test_many_categories_are_cut_and_the_rest_is_counted():
    assert len(distribution("town").data[0].x) == 13
    assert distribution("town").data[0].x[-1] == "18 other"


def test_dates_stand_on_a_date_axis():
    assert str(distribution("day").data[0].x[0]).startswith("2026-01")


def test_values_beyond_the_ends_do_not_squeeze_the_rest_but_are_counted():
    old, new = OLD.copy(), NEW.copy()
    new.loc[0, "amount"] = 1e9
    figure = distribution("amount", old, new)
    assert max(figure.data[0].x) < 10
    assert figure.layout.xaxis.title.text == "amount (value)<br>not shown: 0.6 % old, 0.6 % new"


@pytest.mark.parametrize("values", [[1.0] * 5, [0.1] * 5, [1e20] * 5, [-3.0, -3.0]])
def test_a_constant_column_is_one_bar(values):
    report = shift_report(pd.DataFrame({"x": values}), pd.DataFrame({"x": values}), label=None)
    figure = column_distribution(report.columns[0])
    assert sum(height > 0 for height in figure.data[0].y) == 1


def test_a_column_without_values_says_so():
    figure = distribution("empty")
    assert not figure.data
    assert figure.layout.annotations[0].text.replace("<br>", " ") == SHIFTS["empty"].summary
    assert "neither side has a usable value" in SHIFTS["empty"].summary


@pytest.mark.parametrize(("task", "unit", "bars"), [("binary", "category", 2), ("regression", "value", 2)])
def test_the_label_as_classes_and_as_a_number(task, unit, bars):
    figure = column_distribution(shift_report(OLD, NEW, label="late", task=task).labels[0])
    assert figure.layout.xaxis.title.text == f"late ({unit})"
    assert sum(height > 0 for height in figure.data[0].y) == bars


def test_text_is_drawn_by_its_words_and_record_numbers_are_not():
    rng = np.random.default_rng(0)
    sides = [
        pd.DataFrame({"note": [" ".join(rng.choice(list("abcdefghij"), 6 + i % 5)) for i in range(80)], "id": range(start, start + 80)})
        for start in (0, 80)
    ]  # fmt: skip
    text, number = sorted(
        shift_report(*sides, label=None).columns, key=lambda shift: shift.name, reverse=True
    )
    assert column_distribution(text).layout.xaxis.title.text == "note (words)"
    assert column_distribution(number).layout.annotations[0].text == "Record numbers and names are not drawn."


def test_effects_are_sorted_with_intervals_and_thresholds():
    figure = column_effects(REPORT)
    order = figure.layout.yaxis.categoryarray[::-1]
    assert list(order) == [column.name for column in REPORT.columns if column.measures]
    major = next(trace for trace in figure.data if trace.name == "major")
    assert "amount" in major.y
    place = major.y.index("amount")
    low, high = major.error_x.arrayminus[place], major.error_x.array[place]
    assert low > 0 and high > 0 and major.x[place] == pytest.approx(1, abs=0.25)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.1, 0.5]
    assert figure.layout.xaxis.title.text == "effect (standard deviations)<br>dotted: minor 0.1, major 0.5"


def test_levels_differ_in_more_than_colour():
    traces = column_effects(REPORT).data
    assert len({trace.marker.symbol for trace in traces}) == len(traces) > 1
    assert column_effects(REPORT).layout.showlegend


def test_an_effect_at_the_end_of_the_scale_is_open_to_the_right():
    old = pd.DataFrame({"a": ["x"] * 300, "b": np.random.default_rng(0).normal(0, 1, 300)})
    figure = column_effects(
        shift_report(old, pd.DataFrame({"a": ["z"] * 300, "b": old["b"] + 1}), label=None)
    )
    traces = {trace.name: trace for trace in figure.data}
    assert traces["major, 3 or more"].y == ("a",) and traces["major"].y == ("b",)
    assert traces["major, 3 or more"].marker.symbol == "triangle-right"
    assert traces["major, 3 or more"].customdata[0].startswith("d ≥ 3 (95 %: ")
    assert traces["major, 3 or more"].customdata[0].endswith(" to ≥ 3)")
    assert traces["major"].customdata[0].startswith("d = 0.9")


def test_no_more_columns_than_asked_for():
    figure = column_effects(REPORT, top=2)
    assert sum(len(trace.y) for trace in figure.data) == 2
    assert f"shown: the 2 that moved most, of {len(REPORT.columns)}" in figure.layout.xaxis.title.text
    assert "shown" not in column_effects(REPORT).layout.xaxis.title.text


def test_nothing_to_compare_is_said():
    report = shift_report(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), label=None)
    assert column_effects(report).layout.annotations[0].text == "There is no column to compare."


def test_names_that_hold_markup_are_shown_as_they_are():
    old = pd.DataFrame({HOSTILE: [*"ab"] * 30, HOSTILE + "2": np.sqrt(np.arange(60.0))})
    new = pd.DataFrame({HOSTILE: [HOSTILE, "<i>b"] * 30, HOSTILE + "2": np.sqrt(np.arange(60.0))})
    report = shift_report(old, new, label=HOSTILE)
    both = shift_report(old, new, label=None)
    figures = [
        column_effects(both),
        *(column_distribution(c) for c in both.columns),
        column_distribution(report.labels[0]),
    ]
    for figure in figures:
        shown = json.dumps(figure.to_dict()["data"], default=str) + str(figure.layout.xaxis.title.text)
        assert "&lt;" in shown
        assert "<a" not in shown and "<b>" not in shown and "<i>" not in shown
    assert report.label.level == "major"


def test_names_that_are_cut_short_stay_apart():
    names = [f"a very long name that only differs at its end {i}" for i in range(3)]
    frame = pd.DataFrame(np.random.default_rng(0).normal(0, 1, (50, 3)), columns=names)
    order = column_effects(shift_report(frame, frame, label=None)).layout.yaxis.categoryarray
    assert len(set(order)) == 3 and max(map(len, order)) < 30
