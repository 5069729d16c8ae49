"""What Evidently and NannyML really say; run by :mod:`tests.benchmarks.peers_agree` in the peers' own environment.

It imports nothing of ours, for the peers want an older pandas. Reads ``NAME.old.parquet`` and ``NAME.new.parquet`` from
a folder and writes ``NAME.json``: by tool and column the verdict, value and threshold.
"""

import json
import logging
import os
import sys
import warnings
from pathlib import Path

os.environ["DO_NOT_TRACK"] = os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"

import pandas as pd

CHUNKS = 10


def main(tool, folder):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    say = {"Evidently": evidently, "NannyML": nannyml}[tool]
    for path in sorted(Path(folder).glob("*.old.parquet")):
        name = path.name.removesuffix(".old.parquet")
        old, new = pd.read_parquet(path), pd.read_parquet(path.with_name(f"{name}.new.parquet"))
        (path.parent / f"{name}.{tool}.json").write_text(json.dumps(say(old, new)))


def evidently(old, new):
    """Return the verdicts of the preset; columns that stop it are left out one by one, and told as such."""
    from evidently import Report
    from evidently.presets import DataDriftPreset

    found = {}
    for name in old.columns:
        try:
            found |= preset(
                Report([DataDriftPreset()], include_tests=True), old[[name]], new[[name]], whole=False
            )
        except Exception as error:
            found[name] = {"stops": str(error)}
    try:
        found |= preset(Report([DataDriftPreset()], include_tests=True), old, new, whole=True)
    except Exception as error:
        found[""] = {"stops": str(error)}
    return found


def preset(report, old, new, *, whole):
    told, found = report.run(new, old).dict(), {}
    failed = {test["metric_config"]["metric_id"]: test["status"] == "FAIL" for test in told["tests"]}
    for metric in told["metrics"]:
        value, config = metric["value"], metric["config"]
        name = config.get("column", "")
        if name or whole:
            found[name] = {
                "drifted": failed[metric["id"]],
                "value": value if name else value["share"],
                "threshold": config["threshold" if name else "drift_share"],
                "rule": config.get("method", ""),
            }
    return found


def nannyml(old, new):
    from nannyml import UnivariateDriftCalculator

    found = {}
    for name in old.columns:
        try:
            result = UnivariateDriftCalculator(column_names=[name]).fit(old).calculate(new)
            table = result.filter(period="analysis").to_df()
            told = table[name, "jensen_shannon"]
            found[name] = {
                "drifted": bool((told["alert"] == True).any()),  # noqa: E712, it holds NaN as well
                "value": float(told["value"].max()),
                "threshold": float(told["upper_threshold"].iloc[0]),
                "rule": f"{int((told['alert'] == True).sum())} of {len(told)}",  # noqa: E712
            }
        except Exception as error:
            found[name] = {"stops": str(error)}
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
