"""What other tools would say: held against what Evidently 0.7.23 and NannyML 0.13.1 said about the same rows.

``tests/benchmarks/peers_agree.py`` runs the tools themselves, on many more data sets.
"""

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift.peers import peer_verdicts
from retrain_core.types import PeerVerdict, from_json, to_json
from tests.benchmarks.peers_agree import fixed

# By tool and old rows: whether it drifts, value, threshold; the column "" is the data set as a whole.
SAID = {
    ("Evidently", 500): {
        "number": (False, 0.7347373271605734, 0.05),
        "gaps": (True, 7.381912969458224e-06, 0.05),
        "whole": (False, 0.5657559523999947, 0.05),
        "codes": (True, 0.0, 0.05),
        "switch": (True, 1.9153322705633968e-08, 0.05),
        "word": (True, 0.0, 0.05),
        "yes": (False, 0.9677078547074405, 0.05),
        "": (True, 0.5714285714285714, 0.5),
    },
    ("NannyML", 500): {
        "number": (True, 0.8257082619108579, 0.06213358954784039),
        "gaps": (True, 0.7645936091026772, 0.18277579315536935),
        "whole": (True, 0.7271812783583318, 0.4209035651628734),
        "codes": (True, 0.8471038564194403, 0.0443967261311854),
        "switch": (True, 0.20013415171301527, 0.043131281147541084),
        "word": (True, 0.5759309987893084, 0.0920938375466076),
        "yes": (True, 0.06223904706564208, 0.03682353676606302),
    },
    ("Evidently", 2000): {
        "number": (True, 0.12688910682601204, 0.1),
        "gaps": (True, 0.399309772056826, 0.1),
        "whole": (True, 0.16945743191270163, 0.1),
        "codes": (True, 0.42163939277750423, 0.1),
        "switch": (True, 0.14246897179576595, 0.1),
        "word": (True, 0.30837141256639805, 0.1),
        "yes": (False, 0.00045777152194538605, 0.1),
        "": (True, 0.8571428571428571, 0.5),
    },
    ("NannyML", 2000): {
        "number": (True, 0.6774820159361148, 0.030056862405113495),
        "gaps": (True, 0.7252038253261471, 0.09844795741106532),
        "whole": (True, 0.702404000372326, 0.13092088996075507),
        "codes": (True, 0.8660254037844386, 0.03033910236482318),
        "switch": (True, 0.30387304736489806, 0.008131930571151016),
        "word": (True, 0.3992704400872292, 0.014770105562551077),
        "yes": (True, 0.13689157958038836, 0.008131930571151016),
    },
}


def verdicts(old, new):
    return {(verdict.peer, verdict.column): verdict for verdict in peer_verdicts(old, new)}


@pytest.fixture(scope="module")
def ours():
    return {
        rows: verdicts(fixed(rows), fixed(others, move=3)) for rows, others in ((500, 333), (2_000, 1_234))
    }


@pytest.mark.parametrize(("peer", "rows"), SAID)
def test_verdicts_values_and_thresholds_are_theirs(ours, peer, rows):
    for column, (drifted, value, threshold) in SAID[peer, rows].items():
        mine = ours[rows][peer, column]
        assert mine.drifted is drifted, column
        assert mine.value == pytest.approx(value, rel=1e-9, abs=1e-12), column
        assert mine.threshold == pytest.approx(threshold, rel=1e-9), column


def test_small_data_is_tested_and_large_data_is_measured(ours):
    assert ours[500]["Evidently", "number"].rule.startswith("Kolmogorov-Smirnov test")
    assert ours[500]["Evidently", "switch"].rule.startswith("z-test")
    assert ours[500]["Evidently", "codes"].rule.startswith("chi-squared test")
    assert ours[2_000]["Evidently", "number"].rule.startswith("Wasserstein distance")
    assert ours[2_000]["Evidently", "codes"].rule.startswith("Jensen-Shannon distance")


def test_the_values_of_the_reference():
    numbers = pd.DataFrame({"x": range(100)})
    said = verdicts(numbers, numbers + 10)
    assert said["Evidently", "x"].value == pytest.approx(0.7020569828664881, abs=1e-12)
    assert said["NannyML", "x"].threshold == pytest.approx(0.9320111581603395, abs=1e-12)
    long = pd.DataFrame({"x": np.repeat(np.arange(100), 11)})
    assert verdicts(long, long + 10)["Evidently", "x"].value == pytest.approx(0.3464274833209975, abs=1e-12)
    letters = [
        pd.DataFrame({"x": [*"A" * 60, *"B" * 40] * 11}),
        pd.DataFrame({"x": [*"A" * 50, *"B" * 40, *"C" * 10]}),
    ]
    assert verdicts(*letters)["Evidently", "x"].value == pytest.approx(0.19218019454096963, abs=1e-12)


# Each of these was tried with the tools themselves.
@pytest.mark.parametrize(
    ("peer", "old", "new", "why"),
    [
        ("Evidently", [np.nan] * 20, [np.nan] * 20, "stops with an error at a column without values"),
        ("Evidently", ["a", "b"] * 10, [1.5] * 20, "stops with an error at numbers on one side"),
        ("Evidently", [f"word {i}" for i in range(20)], [f"word {i}" for i in range(20)], "text"),
        ("Evidently", pd.date_range("2026", periods=20), pd.date_range("2026", periods=20), "type"),
        ("NannyML", pd.date_range("2026", periods=20), pd.date_range("2026", periods=20), "type"),
        ("NannyML", [1.0] * 9, [1.0] * 20, "fewer than 10 rows"),
        ("NannyML", [1.0, np.inf] * 10, [1.0] * 20, "infinite"),
        ("NannyML", [1, "a"] * 10, [1, "a"] * 10, "several types"),
        ("NannyML", [1.5] * 20, ["a", "b"] * 10, "no distance"),
    ],
)
def test_columns_that_a_tool_does_not_judge_say_why(peer, old, new, why):
    verdict = verdicts(pd.DataFrame({"x": old}), pd.DataFrame({"x": new}))[peer, "x"]
    assert verdict.drifted is None and verdict.value is None
    assert why in verdict.rule


@pytest.mark.parametrize(
    ("old", "new", "evidently", "nannyml"),
    [
        ([1.5] * 20, ["a", "b"] * 10, 0.0, None),
        (["a", "b"] * 10, [1] * 20, 0.0, 1.0),
        ([True, False] * 10, [1, 0] * 10, 1.0, 0.0),
        ([1, 2, 3] * 10, [1.0, 2.0, 3.5] * 10, 0.0, 0.5773502691896258),
        ([1.0, 2.0] * 600, [1.0, np.inf] * 600, 0.464501404022459, 0.7071067811865476),
        ([1.0, np.inf] * 10, [1.0] * 20, 1.0, None),
    ],
)
def test_types_that_differ_and_infinite_values_give_what_the_tools_give(old, new, evidently, nannyml):
    said = verdicts(pd.DataFrame({"x": old}), pd.DataFrame({"x": new}))
    assert said["Evidently", "x"].value == pytest.approx(evidently, abs=1e-12)
    assert said["NannyML", "x"].value == (None if nannyml is None else pytest.approx(nannyml, abs=1e-7))


def test_the_whole_drifts_from_half_of_the_columns_on():
    rows = pd.DataFrame({"a": np.arange(200.0), "b": np.arange(200.0)})
    assert verdicts(rows, rows.assign(a=rows["a"] + 90))["Evidently", ""].drifted
    three = rows.assign(c=rows["a"])
    assert not verdicts(three, three.assign(a=rows["a"] + 90))["Evidently", ""].drifted


def test_the_whole_is_open_while_text_could_turn_it():
    rows = pd.DataFrame({"a": np.arange(200.0), "text": [f"row {i}" for i in range(200)]})
    whole = verdicts(rows, rows)["Evidently", ""]
    assert whole.drifted is None and "1 of 2 not repeated here" in whole.rule
    moved = verdicts(rows, rows.assign(a=rows["a"] + 90))["Evidently", ""]
    assert moved.drifted is True


def test_one_column_without_values_stops_evidently():
    rows = pd.DataFrame({"a": np.arange(200.0), "none": np.nan})
    whole = verdicts(rows, rows)["Evidently", ""]
    assert whole.drifted is None and "stops with an error" in whole.rule


def test_verdicts_go_through_json():
    found = peer_verdicts(fixed(500), fixed(333, move=3))
    assert from_json(to_json(found), tuple[PeerVerdict, ...]) == found


def test_without_a_shared_column_there_is_no_verdict():
    (whole,) = peer_verdicts(pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}))
    assert whole.drifted is None


SIDES = {
    "empty": [np.nan] * 30,
    "nothing": [None] * 30,
    "constant": [1.0] * 30,
    "one word": ["a"] * 30,
    "infinite": [1.0, np.inf, -np.inf] * 10,
    "switch": [True, False] * 15,
    "dates": pd.date_range("2026", periods=30),
    "nullable": pd.array([1, None, 3] * 10, dtype="Int64"),
    "nullable switch": pd.array([True, None, False] * 10, dtype="boolean"),
    "lists": [[1], [2], [3]] * 10,
    "mixed": [1, "a", 2.5] * 10,
    "half text": ["a", 1, "b"] * 10,
    "categories": pd.Categorical([1, None, 3] * 10),
    "complex": np.array([1 + 2j] * 30),
    "bytes": np.arange(30, dtype=np.uint8),
    "half": np.arange(30, dtype=np.float16),
    "periods": pd.period_range("2026", periods=30, freq="D"),
    "durations": pd.to_timedelta(range(30), "D"),
}


@pytest.mark.parametrize("old", SIDES)
def test_no_column_breaks_the_page(old):
    for new in SIDES.values():
        found = peer_verdicts(pd.DataFrame({"x": SIDES[old]}), pd.DataFrame({"x": new}))
        assert [verdict.peer for verdict in found] == ["Evidently", "NannyML", "Evidently"]
        assert all((verdict.value is None) == (verdict.drifted is None) for verdict in found[:2])
