"""How long each strategy trained and how much memory it took."""

from __future__ import annotations

import plotly.graph_objects as go

from retrain_core.figures.scored import row_label, strategy_axis
from retrain_core.figures.style import (
    GRID,
    axis_title,
    base_layout,
    keep_first,
    lay_out,
    look_of,
    plain,
    trains,
)
from retrain_core.types import Comparison


def cost_bars(comparison: Comparison) -> go.Figure:
    """Return how long each strategy trained and how much memory it took; bars begin at 0.

    Args:
        comparison: The candidates.
    """
    names = keep_first(comparison.strategies)
    candidates = [comparison.strategies[strategy] for strategy in names]
    labels = [row_label(candidate, strategy) for candidate, strategy in zip(candidates, names, strict=True)]
    seconds = [c.seconds if trains(strategy) else 0.0 for c, strategy in zip(candidates, names, strict=True)]
    figure = go.Figure()
    lay_out(figure, **base_layout(height=150 + 2 * 36 * len(names)))
    costs = (
        ("", (0.6, 1.0), "training time (s, mean over seeds)", seconds, "{:,.1f} s"),
        ("2", (0.0, 0.36), "peak memory (MB)", [c.peak_memory_mb for c in candidates], "{:,.0f} MB"),
    )
    for axis, domain, title, values, words in costs:
        figure.add_bar(
            x=values,
            y=list(range(len(names))),
            orientation="h",
            width=0.62,
            marker={"color": [look_of(strategy).colour for strategy in names]},
            text=[
                "nothing to train"
                if axis == "" and candidate.new and not trains(strategy)
                else _cost_words(value, words, measured=candidate.new is not None and axis == "")
                for strategy, candidate, value in zip(names, candidates, values, strict=True)
            ],
            textposition="outside",
            cliponaxis=False,
            customdata=[plain(look_of(strategy).title) for strategy in names],
            hovertemplate="%{customdata}: %{text}<extra></extra>",
            xaxis=f"x{axis}",
            yaxis=f"y{axis}",
        )
        lay_out(figure, **{
            f"xaxis{axis}": {
                "title": axis_title(title), "automargin": True, "gridcolor": GRID, "zeroline": False,
                "range": [0, (max(values, default=0) or 1) * 1.35], "nticks": 6, "tickangle": 0, "tickformat": ",", "anchor": f"y{axis}",
            },
            f"yaxis{axis}": strategy_axis(labels, domain) | {"anchor": f"x{axis}"},
        })  # fmt: skip
    lay_out(figure, showlegend=False, margin={"t": 16})
    return figure


def _cost_words(value: float, words: str, *, measured: bool) -> str:
    return words.format(value) if value or measured else "not measured"
