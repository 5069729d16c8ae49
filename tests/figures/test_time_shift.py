"""Drift in time as a chart: a panel a line, its band, and which chunks left it."""

import json
from dataclasses import replace

import pytest

from retrain_core.data.time_order import ROW_ORDER
from retrain_core.figures.time_shift import OUT, time_lines
from retrain_core.types import Chunk, TimeLine, TimeShift

HOSTILE = "<b>day</b>"
CHUNKS = tuple(
    Chunk("old" if i < 3 else "new", f"2026-0{i + 1}-01", f"2026-0{i + 1}-28", 100) for i in range(5)
)
SHIFT = TimeShift(
    HOSTILE,
    CHUNKS,
    (
        TimeLine("amount", (0.1, 0.0, 0.1, 0.9, None), (0.3, 0.3, 0.3, 0.2, 0.2)),
        TimeLine("<i>town", (0.0,) * 5, (0.3,) * 5),
    ),
    "From 2026-04-01 on, amount left its band.",
)


def test_each_line_has_a_panel_in_the_order_asked_for():
    figure = time_lines(SHIFT, ["<i>town", "amount", "nothing"])
    effects = [trace for trace in figure.data if trace.name == "effect"]
    assert [trace.y for trace in effects] == [(0.0,) * 5, (0.1, 0.0, 0.1, 0.9, None)]
    assert [trace.yaxis for trace in effects] == ["y", "y2"]
    titles = [note.text for note in figure.layout.annotations]
    assert titles[:2] == ["&lt;i&gt;town", "amount"]
    assert figure.layout.height > time_lines(SHIFT, ["amount"]).layout.height


def test_chunks_out_of_the_band_differ_in_more_than_colour():
    (effect,) = (trace for trace in time_lines(SHIFT, ["amount"]).data if trace.name == "effect")
    assert [symbol == OUT[1] for symbol in effect.marker.symbol] == [False, False, False, True, False]
    assert effect.marker.color[3] != effect.marker.color[0] and effect.marker.size[3] > effect.marker.size[0]


def test_the_band_is_shaded_and_old_is_divided_from_new():
    figure = time_lines(SHIFT, ["amount", "<i>town"])
    bands = [trace for trace in figure.data if trace.name == "band"]
    assert [trace.y for trace in bands] == [(0.3, 0.3, 0.3, 0.2, 0.2), (0.3,) * 5]
    assert all(trace.fill == "tozeroy" for trace in bands)
    assert [shape.x0 for shape in figure.layout.shapes] == [2.5, 2.5]
    assert figure.layout.xaxis2.title.text.endswith("<br>dotted: old ends, new begins")
    assert sum(trace.showlegend is not False for trace in figure.data) == 3


def test_the_axis_says_when_chunks_start():
    axis = time_lines(SHIFT, ["amount"]).layout.xaxis
    assert axis.ticktext == tuple(chunk.start for chunk in CHUNKS)
    assert axis.title.text.startswith("start of the chunk (&lt;b&gt;day&lt;/b&gt;)")


def test_the_order_of_the_file_is_told_in_rows():
    rows = tuple(
        replace(chunk, start=f"{100 * i:,}1", end=f"{100 * i + 100:,}0") for i, chunk in enumerate(CHUNKS)
    )
    figure = time_lines(replace(SHIFT, column=ROW_ORDER, chunks=rows), ["amount"])
    assert figure.layout.xaxis.title.text.startswith("first row of the chunk in its file<br>")
    (effect,) = (trace for trace in figure.data if trace.name == "effect")
    assert effect.customdata[1][0].startswith("old, rows 1001 to 2000, ")


def test_many_chunks_get_few_labels():
    many = TimeShift("t", CHUNKS * 4, (TimeLine("a", (0.0,) * 20, (1.0,) * 20),), "")
    assert len(time_lines(many, ["a"]).layout.xaxis.ticktext) == 5


def test_names_cannot_become_markup():
    shown = json.dumps(time_lines(SHIFT, ["<i>town"]).to_dict(), default=str)
    assert "<b>" not in shown and "<i>" not in shown


@pytest.mark.parametrize(
    ("shift", "names"), [(SHIFT, []), (TimeShift("t", (), (), "There is no order of time."), ["a"])]
)
def test_nothing_to_draw_is_said(shift, names):
    figure = time_lines(shift, names)
    assert not figure.data
    assert figure.layout.annotations[0].text.replace("<br>", " ") == shift.summary
