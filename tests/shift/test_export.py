"""``shift.json``: what the command line promises to other programs."""

from __future__ import annotations

import dataclasses
import json
import math

from retrain_core.shift import shift_json, shift_report
from tests.report.example import frames


def test_it_holds_what_the_contract_names_and_the_distributions() -> None:
    old, new = frames("bought")
    report = shift_report(old, new, label="bought", task="binary")
    written = shift_json(report)
    assert set(written) == {
        "schema", "overall", "columns", "label", "concept", "multivariate",  # promised
        "labels", "joint", "kinds", "model", "time", "peers", "settings", "others", "rows",
    }  # fmt: skip
    assert written["schema"] == 1 and {"level", "summary"} <= written["overall"].keys()
    assert {"label", "concept", "multivariate"} <= written.keys()
    assert written["rows"] == {"old": len(old), "new": len(new)}
    income = written["columns"]["income"]
    assert (income["kind"], income["level"]) == ("numeric", "major")
    assert all({"value", "interval", "p_adjusted"} <= one.keys() for one in income["measures"].values())
    found = next(column.distribution for column in report.columns if column.name == "income")
    assert found is not None and income["distribution"]["new"] == list(found.new)
    assert written["labels"]["bought"]["distribution"]["categories"] == ["no", "yes"]


def test_numbers_that_json_does_not_know_become_null() -> None:
    report = shift_report(*frames("bought"), label="bought", task="binary")
    first = dataclasses.replace(report.columns[0], effect=math.inf, detectable=math.nan)
    text = json.dumps(shift_json(dataclasses.replace(report, columns=(first,))), allow_nan=False)
    column = json.loads(text)["columns"][first.name]
    assert column["effect"] is None and column["detectable"] is None
