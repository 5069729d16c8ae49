"""The charts behind the scores, each with its words: classes mixed up, thresholds, errors, and rows that have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from retrain_core.compare.curves import confusion, precision_recall, reliability, roc
from retrain_core.compare.evidence import SIDES
from retrain_core.compare.flips import flips
from retrain_core.compare.predicted import Predicted
from retrain_core.compare.residuals import error_edges, residuals
from retrain_core.figures.errors import (
    confusion_chart,
    precision_recall_chart,
    reliability_chart,
    residual_histogram,
    residual_lines,
    roc_chart,
)
from retrain_core.figures.slices import flips_bars
from retrain_core.figures.style import look_of
from retrain_core.report import error_words
from retrain_core.report.chart import Chart
from retrain_core.report.content import ReportContent

MOST_LABELS = 3  # with curves of their own
FAR = "Much: by more than keep's mean absolute error."


def error_charts(content: ReportContent) -> list[Chart]:
    """Return what keep and the recommended candidate take for what on the new part, and how reliable they are."""
    evidence, found = content.evidence, content.comparison.recommendation
    if evidence is None or found is None:
        return []
    chosen = {name: evidence.predicted["new"][name] for name in dict.fromkeys(("keep", found.choice))}
    models = {name: seeds[0] for name, seeds in chosen.items()}
    if evidence.task == "regression":
        return _residual_charts(models)
    charts = []
    classes = content.spec.schema.classes
    if evidence.task != "multilabel":
        charts = [_confusion_chart(name, one, classes) for name, one in models.items()]
    what = {"binary": classes[-1], "multiclass": "the likeliest", "multilabel": "a label"}[evidence.task]
    figure = reliability_chart({name: reliability(one) for name, one in models.items()}, what)
    return [
        *charts,
        *_threshold_charts(models, classes),
        Chart("reliability", *error_words.RELIABILITY, figure),
    ]


def _threshold_charts(models: Mapping[str, Predicted], classes: Sequence[str]) -> list[Chart]:
    """Return what thresholds do: of the second of two classes, else of the labels with the most rows."""
    one = next(iter(models.values()))
    rows = one.labels.sum(axis=0)
    labels = [1] if one.task == "binary" else np.argsort(-rows, kind="stable")[:MOST_LABELS].tolist()
    charts = []
    for label in labels:
        name = classes[label]
        found = {model: roc(one, label) for model, one in models.items()}
        precise = {model: precision_recall(one, label) for model, one in models.items()}
        if None in (*found.values(), *precise.values()):
            continue
        charts += [
            Chart(f"roc-{label}", *error_words.roc_words(name), roc_chart(found, name)),
            Chart(
                f"precision-recall-{label}",
                *error_words.precision_recall_words(name),
                precision_recall_chart(precise, name),
            ),
        ]
    return charts


def flip_charts(content: ReportContent) -> list[Chart]:
    """Return how many rows each candidate has made worse and better than keep, on each part of the holdout."""
    if content.evidence is None:
        return []
    numbers, charts = content.evidence.task == "regression", []
    for side in SIDES:
        found = flips(content.evidence, side)
        if found:
            words = " ".join(
                error_words.flip_words(look_of(name).title, one, numbers=numbers)
                for name, one in found.items()
            )
            charts.append(
                Chart(
                    f"flips-{side}", f"Worse and better than keep: {side} part", words, flips_bars(found, numbers=numbers),
                    (FAR,) if numbers else (),
                )
            )  # fmt: skip
    return charts


def _confusion_chart(name: str, one: Predicted, classes: Sequence[str]) -> Chart:
    counts = confusion(one, len(classes))
    right, rows = int(np.trace(counts)), int(counts.sum())
    words = error_words.confusion_words(look_of(name).title, right, rows, "new")
    return Chart(f"confusion-{name}", *words, confusion_chart(counts, classes))


def _residual_charts(models: Mapping[str, Predicted]) -> list[Chart]:
    edges = error_edges(list(models.values()))
    found = {name: residuals(one, edges) for name, one in models.items()}
    return [
        Chart("residual-lines", *error_words.ALONG, residual_lines(found)),
        Chart("residual-histogram", *error_words.SPREAD, residual_histogram(found)),
    ]
