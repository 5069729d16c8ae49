"""The report as ``shift.json``, which other programs read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from retrain_core.types import Aspect, ColumnShift, Measure, ModelShift, ShiftReport


def shift_json(report: ShiftReport) -> dict[str, Any]:
    """Return the report in the layout of ``shift.json``: plain containers, every number finite or ``None``."""
    return {
        "schema": 1,
        "overall": _aspect(report.overall),
        "columns": {column.name: _column(column) for column in report.columns},
        "label": _aspect(report.label),
        "labels": {label.name: _column(label) for label in report.labels},
        "concept": _aspect(report.concept),
        "multivariate": _aspect(report.multivariate),
        "rows": {"old": report.old_rows, "new": report.new_rows},
    }


def model_json(model: ModelShift) -> dict[str, Any]:
    """Return the shift as the old model sees it in the layout of ``shift.json``, as :func:`shift_json` does."""
    loss = model.loss
    return {
        "predictions": _aspect(model.predictions),
        "outputs": {output.name: _column(output) for output in model.outputs},
        "layer": model.layer,
        "features": _aspect(model.features),
        "loss": None
        if loss is None
        else {
            "old": _finite(loss.old),
            "new": _finite(loss.new),
            "interval": [_finite(end) for end in loss.interval],
            "steps": {
                step.name: {"value": _finite(step.value), "interval": [_finite(end) for end in step.interval]}
                for step in loss.steps
            },
            "summary": loss.summary,
        },
        "regions": [
            {
                "rule": region.rule,
                "old_error": _finite(region.old_error),
                "new_error": _finite(region.new_error),
                "interval": [_finite(end) for end in region.interval],
                "share": _finite(region.share),
                "summary": region.summary,
            }
            for region in model.regions
        ],
        "unusual": list(model.unusual),
        "rows": {"old": model.rows[0], "new": model.rows[1]},
        "notes": list(model.notes),
    }


def _aspect(aspect: Aspect) -> dict[str, Any]:
    return {"level": aspect.level, "summary": aspect.summary, "measures": _measures(aspect.measures)}


def _column(column: ColumnShift) -> dict[str, Any]:
    return {
        "kind": column.kind,
        "level": column.level,
        "effect": _finite(column.effect),
        "summary": column.summary,
        "findings": [finding.text for finding in column.findings],
        "measures": _measures(column.measures),
    }


def _measures(measures: Mapping[str, Measure]) -> dict[str, Any]:
    return {
        name: {
            "value": _finite(measure.value),
            "interval": None if measure.interval is None else [_finite(end) for end in measure.interval],
            "p_adjusted": None if measure.p_adjusted is None else _finite(measure.p_adjusted),
            "unit": measure.unit,
        }
        for name, measure in measures.items()
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
