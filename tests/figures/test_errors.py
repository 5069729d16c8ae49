"""Charts behind the scores show what was computed, fit a narrow screen, and leave the colour of text to the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from retrain_core.compare.curves import Curve, ReliabilityBin, confusion, precision_recall, reliability, roc
from retrain_core.compare.flips import Flips
from retrain_core.compare.residuals import error_edges, residuals
from retrain_core.compare.slice_scores import slice_scores
from retrain_core.compare.slices import Slice
from retrain_core.figures.errors import (
    MOST_CLASSES,
    confusion_chart,
    precision_recall_chart,
    reliability_chart,
    residual_histogram,
    residual_lines,
    roc_chart,
)
from retrain_core.figures.slices import flips_bars, slice_dots
from retrain_core.figures.style import look_of
from tests.compare.evidence_of import evidence_of, one_of

HOSTILE = "<b>x</b>"
RNG = np.random.default_rng(0)
CAME = RNG.integers(0, 2, 4_000)
KEEP, BETTER = (np.clip(lift * CAME + RNG.uniform(0, 1 - lift, 4_000), 0, 1) for lift in (0.1, 0.4))
MODELS = {"fine_tune": one_of("binary", CAME, BETTER), "keep": one_of("binary", CAME, KEEP)}
TARGETS = RNG.normal(50, 10, 4_000)
NUMBERS = {
    name: one_of("regression", TARGETS, TARGETS + RNG.normal(0, spread, 4_000))
    for name, spread in (("fine_tune", 1), ("keep", 2))
}
SPREAD = {name: residuals(one, error_edges(list(NUMBERS.values()))) for name, one in NUMBERS.items()}
HALVES = (Slice(HOSTILE, np.arange(4_000) < 2_000), Slice("the other " * 9, np.arange(4_000) >= 2_000))


def dots(score: str = "accuracy") -> go.Figure:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [BETTER], "lwf": [KEEP]})
    return slice_dots(slice_scores(evidence, "new", HALVES, score))


def figures() -> dict[str, go.Figure]:
    return {
        "confusion": confusion_chart(confusion(MODELS["keep"], 2), ("no", HOSTILE)),
        "roc": roc_chart({name: roc(one, 1) for name, one in MODELS.items()}, HOSTILE),
        "precision": precision_recall_chart(
            {name: precision_recall(one, 1) for name, one in MODELS.items()}, HOSTILE
        ),
        "reliability": reliability_chart({name: reliability(one) for name, one in MODELS.items()}, HOSTILE),
        "residual lines": residual_lines(SPREAD),
        "residual histogram": residual_histogram(SPREAD),
        "slices": dots(),
        "flips": flips_bars({"fine_tune": Flips(200, 3.0, 9.0, 1)}),
    }


def colours(value: Any, path: str = "") -> Iterator[str]:
    """Yield where a font has a colour."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key == "color" and path.endswith("font"):
            yield path
        yield from colours(inner, f"{path}.{key}")


@pytest.mark.parametrize("name", figures())
def test_axes_have_titles_and_units_text_has_no_colour_and_names_are_no_html(name: str) -> None:
    figure = figures()[name]
    titles = figure.layout.xaxis.title.text, figure.layout.yaxis.title.text
    assert all(titles) and any(unit in " ".join(titles) for unit in ("%", "units", "rows"))
    assert not list(colours(figure.to_dict()))
    assert "<b>x" not in json.dumps(figure.to_dict(), default=str)
    assert len(figure.to_json()) < 40_000, "a chart does not grow with the rows"
    assert figure.layout.width is None, "it takes the width there is"


def test_confusion_is_in_percent_of_what_came_with_counts_beside() -> None:
    (cells,) = confusion_chart(np.array([[3, 1], [0, 0]]), ("no", "yes")).data
    assert [list(row) for row in cells.z] == [[75, 25], [None, None]]
    assert [list(row) for row in cells.text] == [["75", "25"], ["", ""]]
    assert list(cells.customdata[0][1]) == ["no", "yes", "1 of 4 rows"]


def test_of_many_classes_the_most_frequent_are_shown_and_the_rest_together() -> None:
    counts = np.diag(np.arange(1, 41))
    figure = confusion_chart(counts, [f"a long name of a class, {n}" for n in range(40)])
    names = figure.layout.xaxis.ticktext
    assert len(names) == MOST_CLASSES + 1 == len(set(names)) and names[-1] == "all others"
    assert np.shape(figure.data[0].z) == (13, 13) and figure.data[0].z[12][12] == 100


def test_names_of_classes_stay_upright_where_they_fit() -> None:
    for names, angle in ((list("0123456789"), 0), ([f"a class of {n}" for n in range(6)], -90)):
        figure = confusion_chart(np.eye(len(names), dtype=np.intp), names)
        assert figure.layout.xaxis.tickangle == angle


def test_lines_to_read_against_look_alike_and_have_a_name() -> None:
    drawn = {
        name: figure.data[0]
        for name, figure in figures().items()
        if name in ("roc", "precision", "reliability", "residual lines", "residual histogram")
    }
    assert {name: trace.name for name, trace in drawn.items()} == {
        "roc": "at random",
        "precision": "at random: the share of the class",
        "reliability": "as said",
        "residual lines": "no error",
        "residual histogram": "no error",
    }
    assert len({(t.line.dash, t.line.color, t.line.width) for t in drawn.values()}) == 1


def test_every_candidate_has_a_line_that_looks_like_it_keep_first() -> None:
    _, keep, other = figures()["roc"].data
    assert [keep.name, other.name] == ["Keep", "Fine-tune"]
    for line, name in ((keep, "keep"), (other, "fine_tune")):
        assert (line.line.color, line.line.dash) == (look_of(name).colour, look_of(name).dash)
    assert (other.x[0], other.y[0], other.x[-1], other.y[-1]) == (0, 0, 1, 1)


def test_precision_at_random_is_the_share_of_rows_with_the_label() -> None:
    line = figures()["precision"].data[0]
    assert line.y == pytest.approx((CAME.mean(), CAME.mean()))


def test_what_cannot_be_drawn_is_said_and_one_curve_is_enough() -> None:
    assert "Too few" in roc_chart({"keep": None}, "yes").layout.annotations[0].text
    curve = Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), 0.5)
    assert len(roc_chart({"keep": None, "lwf": curve}, "yes").data) == 2


def test_reliability_marks_grow_with_the_rows_and_have_intervals() -> None:
    bins = (ReliabilityBin(0.2, 0.3, (0.1, 0.5), 10), ReliabilityBin(0.8, 0.7, (0.6, 0.9), 40))
    diagonal, marks = reliability_chart({"keep": bins}, "yes").data
    assert diagonal.x == diagonal.y == (0, 1)
    assert marks.marker.size == (10, 40) and marks.marker.sizemode == "area"
    assert marks.error_y.array == pytest.approx((0.2, 0.2)) and marks.error_y.arrayminus == pytest.approx(
        (0.2, 0.1)
    )


def test_errors_are_drawn_as_median_with_the_range_of_most_rows() -> None:
    lines = residual_lines(SPREAD).data[1:]
    assert [line.legendgroup for line in lines] == ["keep"] * 3 + ["fine_tune"] * 3
    assert [line.showlegend for line in lines[:3]] == [False, False, True]
    low, high, middle = (np.mean(line.y) for line in lines[:3])
    assert (low, middle, high) == pytest.approx((-3.3, 0, 3.3), abs=0.3)
    assert sum(residual_histogram(SPREAD).data[1].y) + sum(SPREAD["keep"].outside) == pytest.approx(1)


# --- slices and flips -----------------------------------------------------------------------------


def test_slices_mark_what_can_be_told_from_keep() -> None:
    line, keep, better, same = dots().data
    assert (keep.name, better.name, same.name) == ("Keep", "Fine-tune", look_of("lwf").title)
    assert better.marker.symbol == ("circle", "circle") and same.marker.symbol == ("octagon-open",) * 2
    assert line.x[0] == keep.x[0] and line.x[2] is None
    assert "better" in better.customdata[0][1] and "points" in better.customdata[0][1]
    assert all(end > 0 for end in better.error_x.array)


def test_a_group_of_too_few_rows_for_an_interval_has_no_bar() -> None:
    found = slice_scores(evidence_of("binary", CAME, {"keep": [KEEP]}), "new", HALVES, "auroc")
    few = replace(found.rows[0].candidates["keep"], interval=None)
    rows = (replace(found.rows[0], candidates={"keep": few}), *found.rows[1:])
    _, mark, bare = slice_dots(replace(found, rows=rows)).data
    assert len(mark.error_x.array) == 1 and bare.error_x.array is None and not bare.showlegend
    assert "too few rows" in bare.customdata[0][1]


def test_slices_of_other_scores_say_which_way_is_better() -> None:
    assert "AUROC (higher is better)" in dots("auroc").layout.xaxis.title.text
    assert "Brier score (lower is better)" in dots("brier").layout.xaxis.title.text


def test_titles_of_slices_are_broken_for_narrow_screens() -> None:
    titles = dots().layout.yaxis.ticktext
    assert titles[1].endswith("(2,000)") and titles[1].count("<br>") == 2
    assert max(len(line) for title in titles for line in title.replace("&lt;", "<").split("<br>")) < 30


def test_fewer_candidates_can_be_shown() -> None:
    evidence = evidence_of("binary", CAME, {"keep": [KEEP], "fine_tune": [BETTER]})
    scores = slice_scores(evidence, "new", HALVES, "accuracy")
    assert [trace.name for trace in slice_dots(scores, ["fine_tune"]).data] == ["Fine-tune"]
    assert "No group" in slice_dots(slice_scores(evidence, "new", (), "accuracy")).layout.annotations[0].text


def test_flips_stand_left_and_right_in_percent() -> None:
    figure = flips_bars({"fine_tune": Flips(200, 3.0, 9.0, 1), "lwf": Flips(200, 1.5, 0.0, 2)})
    worse, better = figure.data
    assert worse.x == (-1.5, -0.75) and better.x == (4.5, 0)
    assert worse.customdata[1][1] == "1.5 of 200 rows, mean over 2 seeds"
    assert figure.layout.xaxis.ticktext == ("4", "2", "0", "2", "4")
    assert worse.marker.pattern.shape != better.marker.pattern.shape


def test_no_flips_and_no_candidates_are_no_trouble() -> None:
    assert flips_bars({"lwf": Flips(200, 0.0, 0.0, 1)}).data[0].x == (0,)
    assert "no candidate" in flips_bars({}).layout.annotations[0].text
