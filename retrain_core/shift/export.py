"""The report as ``shift.json``, which other programs read: as it is, but what has a name stands under it."""

from __future__ import annotations

from typing import Any

from retrain_core.types import ModelShift, ShiftReport, from_json, to_json


def shift_json(report: ShiftReport) -> dict[str, Any]:
    """Return the report in the layout of ``shift.json``: plain containers, every number finite or ``None``."""
    plain = _plain(report)
    rows = {"old": plain.pop("old_rows"), "new": plain.pop("new_rows")}
    named = {key: _by_name(plain[key]) for key in ("columns", "labels", "others")}
    joint = plain["joint"]
    if joint is not None:
        joint["drivers"] = [{"columns": one["name"], "share": one["share"]} for one in joint["drivers"]]
    del plain["orders"]  # what the page offers to choose from
    model = None if plain["model"] is None else _model(plain["model"])
    return {"schema": 1, **plain, **named, "model": model, "rows": rows}


def model_json(model: ModelShift) -> dict[str, Any]:
    """Return the shift as the old model sees it in the layout of ``shift.json``, as :func:`shift_json` does."""
    return _model(_plain(model))


def _model(plain: dict[str, Any]) -> dict[str, Any]:
    if plain["loss"] is not None:
        plain["loss"]["steps"] = _by_name(plain["loss"]["steps"])
    old, new = plain["rows"]
    return {**plain, "outputs": _by_name(plain["outputs"]), "rows": {"old": old, "new": new}}


def _plain(value: object) -> dict[str, Any]:
    return from_json(to_json(value), dict[str, Any])  # JSON knows no infinity: it becomes null, as NaN does


def _by_name(things: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {thing.pop("name"): thing for thing in things}
