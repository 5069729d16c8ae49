"""The report as ``shift.json``, which other programs read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from retrain_core.types import (
    Aspect,
    ColumnFinding,
    ColumnShift,
    JointShift,
    Measure,
    ModelShift,
    ShiftKinds,
    ShiftReport,
)


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
        "joint": None if report.joint is None else _joint(report.joint),
        "kinds": None if report.kinds is None else _kinds(report.kinds),
        "model": None if report.model is None else model_json(report.model),
        "time": msgspec.to_builtins(report.time),
        "peers": msgspec.to_builtins(report.peers),
        "left_out": list(report.left_out),
        "settings": msgspec.to_builtins(report.settings),
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
            "overlap": _finite(loss.overlap),
            "summary": loss.summary,
        },
        "regions": [
            {
                "rule": region.rule,
                "old_error": _finite(region.old_error),
                "new_error": _finite(region.new_error),
                "interval": [_finite(end) for end in region.interval],
                "share": _finite(region.share),
                "explained": _finite(region.explained),
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


def _joint(joint: JointShift) -> dict[str, Any]:
    return {
        "drivers": [{"columns": driver.name, "share": _finite(driver.share)} for driver in joint.drivers],
        "newest": [
            {"row": row.row, "likeness": _finite(row.likeness), "values": dict(row.values)}
            for row in joint.newest
        ],
        "overlap": _finite(joint.overlap),
        "effective_old_rows": _finite(joint.effective_old_rows),
    }


def _kinds(kinds: ShiftKinds) -> dict[str, Any]:
    tests = {
        question: {
            "moved": test.moved,
            "p": _finite(test.p),
            "effect": _finite(test.effect),
            "interval": None if test.interval is None else [_finite(end) for end in test.interval],
            "share": None if test.share is None else _finite(test.share),
        }
        for question, test in kinds.tests.items()
    }
    return {"kind": kinds.kind, "summary": kinds.summary, "tests": tests}


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
