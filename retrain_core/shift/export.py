"""The report as ``shift.json``, which other programs read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from retrain_core.types import Aspect, ColumnFinding, ColumnShift, Measure, ShiftReport


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


def _aspect(aspect: Aspect) -> dict[str, Any]:
    return {"level": aspect.level, "summary": aspect.summary, "measures": _measures(aspect.measures)}


def _column(column: ColumnShift) -> dict[str, Any]:
    return {
        "kind": column.kind,
        "reading": column.reading,
        "reason": column.reason,
        "level": column.level,
        "effect": _finite(column.effect),
        "detectable": _finite(column.detectable),
        "summary": column.summary,
        "findings": [_finding(finding) for finding in column.findings],
        "measures": _measures(column.measures),
    }


def _finding(finding: ColumnFinding) -> dict[str, str]:
    return {"what": finding.what, "level": finding.level, "text": finding.text}


def _measures(measures: Mapping[str, Measure]) -> dict[str, Any]:
    return {
        name: {
            "value": _finite(measure.value),
            "interval": None if measure.interval is None else [_finite(end) for end in measure.interval],
            "p_adjusted": _finite(measure.p_adjusted),
            "unit": measure.unit,
            "corrected": _finite(measure.corrected),
            "d": _finite(measure.d),
            "detectable": _finite(measure.detectable),
        }
        for name, measure in measures.items()
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
