"""What stands behind a score: classes that are mixed up, thresholds, reliability, and how errors are spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from retrain_core.compare.curves import Curve, ReliabilityBin, most_frequent
from retrain_core.compare.residuals import RESIDUAL_SHARES, Residuals
from retrain_core.compare.score_words import score_text
from retrain_core.figures.style import (
    FAINT,
    axis_format,
    base_layout,
    different,
    empty_figure,
    keep_first,
    lay_out,
    look_of,
    plain,
    whiskers,
)

MOST_CLASSES = 12
LONGEST_NAME = 14
FEW_CLASSES = 4
NARROW_LETTERS = 30  # below a chart on a screen 375 pixels wide
CELL_COLOURS = (
    (0.0, "#EDF4FA"),
    (0.5, "#6BAED6"),
    (1.0, "#08519C"),
)  # solid, so that text is set off on dark pages too
NO_ERROR = "no error"
PERCENT = axis_format("accuracy")
ERROR = "prediction less the true value<br>(label's units)"


def confusion_chart(counts: NDArray[np.intp], classes: Sequence[str]) -> go.Figure:
    """Return which classes one candidate takes for which, in percent of the rows of each class.

    Several candidates stand side by side as a chart each, so that they stand below each other on a narrow screen.

    Args:
        counts: Rows by what came and what was said, see ``retrain_core.compare.curves.confusion``.
        classes: Names of the classes.
    """
    counts, chosen = most_frequent(counts, MOST_CLASSES)
    names = [_short(classes[number]) for number in chosen]
    names = [
        plain(name) for name in different([*names, *(["all others"] if len(counts) > len(chosen) else [])])
    ]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.full(counts.shape, np.nan), where=totals > 0)
    figure = go.Figure(
        go.Heatmap(
            z=[[None if np.isnan(share) else 100 * share for share in row] for row in shares],
            text=[["" if np.isnan(share) else f"{100 * share:.0f}" for share in row] for row in shares],
            texttemplate="%{text}", textfont={"size": 13 if len(names) <= 6 else 10},
            customdata=[
                [[came, said, f"{rows:,} of {int(total):,} rows"] for said, rows in zip(names, row, strict=True)]
                for came, row, total in zip(names, counts, totals[:, 0], strict=True)
            ],
            hovertemplate="%{customdata[0]} taken for %{customdata[1]}: %{z:.1f} % (%{customdata[2]})<extra></extra>",
            colorscale=CELL_COLOURS, zmin=0, zmax=100, showscale=False, xgap=1, ygap=1,
        )
    )  # fmt: skip
    layout = base_layout(
        x="predicted class<br>(% of the rows of a class)",
        y="true class",
        height=190 + 30 * max(len(names), 4),
    )
    places = {"tickvals": list(range(len(names))), "ticktext": names, "showgrid": False}
    layout["xaxis"] |= places | {"tickangle": _angle(names)}
    layout["yaxis"] |= places | {"range": [len(names) - 0.5, -0.5]}
    lay_out(figure, **layout)
    return figure


def _angle(names: Sequence[str]) -> int:
    """Return how names below a chart are turned: not at all where they fit beside each other on a narrow screen.

    >>> _angle(list("0123456789")), _angle(["setosa", "versicolor", "virginica", "none", "other"])
    (0, -90)
    """
    letters = len(names) * max(len(name) for name in names)
    return 0 if len(names) <= FEW_CLASSES or letters <= NARROW_LETTERS else -90


def roc_chart(curves: Mapping[str, Curve | None], label: str) -> go.Figure:
    """Return the rows with a label that are found against others that are taken for it, every candidate in one chart.

    Args:
        curves: By candidate, ``None`` where there is none.
        label: The class or label.
    """
    name = plain(_short(label))
    x, y = (
        f"false positive rate<br>(% of rows without {name})",
        f"true positive rate<br>(% of rows with {name})",
    )
    return _curves(curves, x, y, ((0, 1), (0, 1)), "at random")


def precision_recall_chart(curves: Mapping[str, Curve | None], label: str) -> go.Figure:
    """Return the precision against the share of rows with a label that are found, every candidate in one chart.

    Args:
        curves: By candidate, ``None`` where there is none.
        label: The class or label.
    """
    name = plain(_short(label))
    base = next((curve.base for curve in curves.values() if curve is not None), 0.0)
    x, y = f"recall<br>(% of rows with {name})", f"precision<br>(% of rows taken for {name})"
    return _curves(curves, x, y, ((0, 1), (base, base)), "at random: the share of the class")


def _curves(
    curves: Mapping[str, Curve | None], x: str, y: str, line: tuple[tuple[float, float], ...], line_name: str
) -> go.Figure:
    drawn = {name: curve for name in keep_first(curves) if (curve := curves[name]) is not None}
    if not drawn:
        return empty_figure("Too few rows with and without this label for a curve.")
    figure = go.Figure()
    _add_reference(figure, line[0], line[1], line_name)
    for name, curve in drawn.items():
        look = look_of(name)
        figure.add_scatter(
            x=curve.x.round(4).tolist(), y=curve.y.round(4).tolist(), mode="lines", name=plain(look.title),
            line={"color": look.colour, "dash": look.dash, "width": 2},
            hovertemplate="%{y:.1%} at %{x:.1%}<extra>" + plain(look.title) + "</extra>",
        )  # fmt: skip
    _square(figure, x, y)
    return figure


def reliability_chart(models: Mapping[str, Sequence[ReliabilityBin]], what: str) -> go.Figure:
    """Return how often it came as a model said, by how sure it was; on the diagonal it is as sure as it may be.

    Args:
        models: Bins by candidate.
        what: What the probability is of.
    """
    figure = go.Figure()
    _add_reference(figure, (0, 1), (0, 1), "as said")
    most = max((one.rows for bins in models.values() for one in bins), default=1)
    for name in keep_first(models):
        look, bins = look_of(name), models[name]
        figure.add_scatter(
            x=[one.said for one in bins],
            y=[one.came for one in bins],
            error_y=whiskers([(one.came, *one.interval) for one in bins], color=look.colour, width=3),
            mode="lines+markers", name=plain(look.title),
            line={"color": look.colour, "dash": look.dash, "width": 1},
            marker={
                "symbol": look.marker, "color": look.colour, "sizemode": "area", "sizemin": 3,
                "size": [one.rows for one in bins], "sizeref": most / 70, "opacity": 1, "line": {"width": 0},
            },
            customdata=[
                [score_text("accuracy", value) for value in (one.said, one.came, *one.interval)] + [f"{one.rows:,}"]
                for one in bins
            ],
            hovertemplate="said %{customdata[0]}, came %{customdata[1]} (95 %: %{customdata[2]} to %{customdata[3]}), "
            "%{customdata[4]} rows<extra>" + plain(look.title) + "</extra>",
        )  # fmt: skip
    _square(figure, f"probability of {plain(_short(what))} (%)", "how often it came so<br>(% of the rows)")
    return figure


def residual_lines(models: Mapping[str, Residuals]) -> go.Figure:
    """Return the errors along the prediction: the median as a line, 90 % of the rows between the thin ones.

    Args:
        models: By candidate.
    """
    figure = go.Figure()
    ends = [end for found in models.values() for end in (found.at.min(), found.at.max())]
    _add_reference(figure, (min(ends), max(ends)), (0, 0), NO_ERROR)
    for name in keep_first(models):
        look, found = look_of(name), models[name]
        low, middle, high = (RESIDUAL_SHARES.index(share) for share in (0.05, 0.5, 0.95))
        for column, width in ((low, 0.8), (high, 0.8), (middle, 2.4)):
            main = column == middle
            figure.add_scatter(
                x=found.at.tolist(), y=found.quantiles[:, column].tolist(),
                mode="lines+markers" if main else "lines", showlegend=main, legendgroup=name, name=plain(look.title),
                line={"color": look.colour, "dash": look.dash, "width": width},
                marker={"symbol": look.marker, "color": look.colour, "size": 7},
                hoverinfo=None if main else "skip",
                customdata=[
                    [f"{row[low]:.4g}", f"{row[high]:.4g}", f"{rows:,}"]
                    for row, rows in zip(found.quantiles, found.rows, strict=True)
                ] if main else None,
                hovertemplate="prediction %{x:.4g}: median error %{y:.4g}, 90 % from %{customdata[0]} to "
                "%{customdata[1]}, %{customdata[2]} rows<extra>" + plain(look.title) + "</extra>" if main else None,
            )  # fmt: skip
    lay_out(
        figure,
        **base_layout(x="prediction (label's units)<br>thin lines: 90 % of the rows", y=ERROR, height=400),
        showlegend=True,
    )
    return figure


def residual_histogram(models: Mapping[str, Residuals]) -> go.Figure:
    """Return how the errors of all rows are spread; the farthest may lie beyond both ends.

    Args:
        models: By candidate, with the same edges.
    """
    figure = go.Figure()
    _add_reference(figure, (0, 0), (0, max(found.shares.max() for found in models.values())), NO_ERROR)
    for name in keep_first(models):
        look, found = look_of(name), models[name]
        beyond = ", ".join(score_text("accuracy", share) for share in found.outside)
        figure.add_scatter(
            x=found.edges.tolist(), y=[*found.shares.tolist(), 0.0], mode="lines", name=plain(look.title),
            line={"color": look.colour, "dash": look.dash, "width": 2, "shape": "hv"},
            hovertemplate="from %{x:.4g}: %{y:.1%} of the rows<br>beyond the ends: " + beyond
            + "<extra>" + plain(look.title) + "</extra>",
        )  # fmt: skip
    lay_out(figure, **base_layout(x=ERROR, y="rows in a bin (%)", height=400), showlegend=True)
    figure.update_yaxes(tickformat=PERCENT, rangemode="tozero")
    return figure


def _add_reference(figure: go.Figure, x: Sequence[float], y: Sequence[float], name: str) -> None:
    figure.add_scatter(
        x=list(map(float, x)), y=list(map(float, y)), mode="lines", name=name, hoverinfo="skip",
        line={"color": FAINT, "dash": "dot", "width": 1.5},
    )  # fmt: skip


def _square(figure: go.Figure, x: str, y: str) -> None:
    lay_out(figure, **base_layout(x=x, y=y, height=430), showlegend=True)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        axis.update(range=[-0.01, 1.01], tickformat=PERCENT, nticks=6, tickangle=0)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
