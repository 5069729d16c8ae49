"""The report as ``shift.json``, which other programs read: as it is, but what has a name stands under it."""

from __future__ import annotations

from typing import Any

from retrain_core.types import ModelShift, ShiftReport, from_json, to_json


def shift_json(report: ShiftReport) -> dict[str, Any]:
    """Return the report in the layout of ``shift.json``: plain containers, every number finite or ``None``."""
    plain = _plain(report)
    rows = {"old": plain.pop("old_rows"), "new": plain.pop("new_rows")}
    named = {key: _by_name(plain[key]) for key in ("columns", "labels")}
    joint = plain["joint"]
    if joint is not None:
        joint["drivers"] = [{"columns": one["name"], "share": one["share"]} for one in joint["drivers"]]
    model = None if report.model is None else model_json(report.model)
    return {"schema": 1, **plain, **named, "model": model, "rows": rows}


def model_json(model: ModelShift) -> dict[str, Any]:
    """Return the shift as the old model sees it in the layout of ``shift.json``, as :func:`shift_json` does."""
    plain = _plain(model)
    if plain["loss"] is not None:
        plain["loss"]["steps"] = _by_name(plain["loss"]["steps"])
    old, new = plain["rows"]
    return {**plain, "outputs": _by_name(plain["outputs"]), "rows": {"old": old, "new": new}}


def _plain(value: object) -> dict[str, Any]:
    return from_json(to_json(value), dict[str, Any])  # JSON knows no infinity: it becomes null, as NaN does


def _by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {thing.pop("name"): thing for thing in things}
