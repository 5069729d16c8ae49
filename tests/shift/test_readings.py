"""What a column is taken for, why, and how that is changed by hand."""

import datetime
import uuid

import numpy as np
import pandas as pd
import pytest

from retrain_core.shift import shift_json, shift_report
from retrain_core.shift.columns import pair_columns
from retrain_core.shift.readings import READINGS
from retrain_core.types import ShiftReport, ShiftSettings, from_json, to_json

N = 240
RNG = np.random.default_rng(0)
NORMAL = RNG.normal(0, 1, N)
WORDS = "the order came late and box was open but support sent another one quickly so all is well now".split()
DAYS = pd.Series(pd.date_range("2026-01-01", periods=N))


def sentences(seed: int, rows: int = N, words=WORDS) -> list[str]:
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(words, rng.integers(5, 12))) for _ in range(rows)]


# old side, new side, reading, a part of the reason
LOOKS = {
    "measured": (NORMAL, NORMAL, "numeric", "not all of them whole"),
    "measured in whole numbers": (RNG.integers(0, 10**6, N), RNG.integers(0, 10**6, N), "numeric", "many different"),
    "few whole numbers": ([1, 2, 3], [3, 4], "numeric", "too few"),
    "stored as text": ([f"{x:.3f}" for x in NORMAL], [f" {x:.2e}" for x in NORMAL], "numeric", "Text that reads as"),
    "as text, with a few words": ([*(f"{x}" for x in NORMAL[9:]), *["n/a"] * 9], NORMAL, "numeric", "Text that reads"),
    "durations": (pd.to_timedelta(np.arange(N), "h"), pd.to_timedelta(np.arange(N), "h"), "numeric", "in days"),
    "codes": (RNG.integers(0, 7, N), RNG.integers(0, 7, N), "integer code", "with 7 different values, each seen often"),
    "codes with gaps": ([0, 1, None] * 80, [0.0, 1.0, np.nan] * 80, "integer code", "with 2 different values"),
    "codes as text": (["1", "2", "3"] * 80, ["2", "1"] * 120, "integer code", "with 3 different values"),
    "yes or no": ([True, False] * 120, [True] * N, "categorical", "Yes or no."),
    "words": (["a", "b"] * 120, ["a", "c"] * 120, "categorical", "3 different values."),
    "codes and words": (["1", "2", "C"] * 80, ["1", "2"] * 120, "categorical", "3 different values."),
    "postcodes": ([f"0{x}" for x in RNG.integers(1000, 1040, N)], [f"0{x}" for x in RNG.integers(1000, 1040, N)], "categorical", "different values"),
    "named categories": (pd.Categorical([1, 2, 3] * 80), pd.Categorical([3, 2, 1] * 80), "categorical", "3 different"),
    "lists": ([[1], [2]] * 120, [[1]] * N, "categorical", "2 different values"),
    "towns": (RNG.choice([f"town {i}" for i in range(90)], N), RNG.choice([f"town {i}" for i in range(90)], N), "high-cardinality", "At least"),
    "sentences": (sentences(1), sentences(2), "free text", "words on average, mostly different"),
    "hashes": ([str(uuid.UUID(int=i)) for i in range(N)], [str(uuid.UUID(int=i + 9)) for i in range(N)], "id", "only once on each side"),
    "counted up": (np.arange(N), np.arange(N) + N, "id", "nearly without gaps"),
    "counted up, in any order": (RNG.permutation(N), RNG.permutation(N) + 50, "id", "nearly without gaps"),
    "drawn from one count": (np.arange(0, N, 2), np.arange(1, N, 2), "id", "nearly without gaps"),
    "ascending with gaps": (np.cumsum(RNG.integers(1, 90, N)), 10**5 + np.cumsum(RNG.integers(1, 90, N)), "id", "ascending"),
    "days": (DAYS, DAYS, "date", "Dates."),
    "days as text": (DAYS.astype(str), DAYS.astype(str), "date", "Text that reads as dates."),
    "moments as text": ([f"2026-03-{d:02}T10:{d:02}:00Z" for d in range(1, 29)], DAYS.astype(str), "date", "Text that"),
    "plain dates": ([datetime.date(2026, 1, d) for d in range(1, 29)], DAYS, "date", "Dates."),
    "always the same": ([5.5] * N, [5.5] * 9, "constant", "the same on both sides"),
    "always the same, or missing": (["x", None] * 120, ["x"] * N, "constant", "the same on both sides"),
    "nothing": ([None] * N, [np.nan] * N, "constant", "Neither side has a usable value."),
}  # fmt: skip


def pair(old, new, name="column", **options):
    return pair_columns(pd.Series(old, name=name), pd.Series(new, name=name), **options)


@pytest.mark.parametrize("what", LOOKS)
def test_what_a_column_is_taken_for_and_why(what):
    old, new, reading, reason = LOOKS[what]
    found = pair(old, new)
    assert found.reading == reading
    assert reason in found.reason and found.reason.endswith(".")
    assert pair(new, old).reading == reading  # whichever side it is


def test_every_reading_occurs_and_is_explained():
    assert {look[2] for look in LOOKS.values()} == set(READINGS)


@pytest.mark.parametrize(("name", "reading"), [("customer_id", "id"), ("userId", "id"), ("paid", "numeric"), ("grid", "numeric")])  # fmt: skip
def test_whole_numbers_without_order_are_record_numbers_only_if_their_name_says_so(name, reading):
    rng = np.random.default_rng(3)
    old, new = (rng.permutation(10**6)[:N] for _ in range(2))
    assert pair(old, new, name).reading == reading


def test_numbers_that_come_twice_are_no_record_numbers():
    assert pair([*range(N), 0], np.arange(N)).reading == "numeric"


def report(old, new, reading=None, **frames) -> ShiftReport:
    sides = [pd.DataFrame({"odd": side}) for side in (old, new)]
    settings = ShiftSettings(readings={"odd": reading} if reading else {})
    return shift_report(*sides, label=None, settings=settings)


def column(*arguments):
    return report(*arguments).columns[0]


# What it looks like, what it is to be, whether that can be.
WISHES = [
    ("codes", "numeric", True),
    ("codes", "high-cardinality", True),
    ("codes", "id", True),
    ("counted up", "numeric", True),
    ("measured", "categorical", True),
    ("measured", "date", False),
    ("measured", "free text", False),
    ("measured", "constant", False),
    ("days", "numeric", True),
    ("days", "categorical", True),
    ("days as text", "categorical", True),
    ("words", "numeric", False),
    ("words", "free text", True),
    ("words", "id", True),
    ("hashes", "high-cardinality", True),
    ("sentences", "numeric", False),
    ("sentences", "categorical", True),
    ("stored as text", "categorical", True),
    ("as text, with a few words", "high-cardinality", True),
    ("named categories", "numeric", True),
    ("lists", "date", False),
    ("yes or no", "numeric", True),
    ("nothing", "numeric", True),
]


@pytest.mark.parametrize(("what", "wish", "can_be"), WISHES)
def test_a_reading_is_chosen_by_hand_or_refused_kindly(what, wish, can_be):
    old, new, inferred, _ = LOOKS[what]
    found = column(old, new, wish)
    told = [finding.text for finding in found.findings if finding.what == "reading"]
    if can_be:
        assert found.reading == wish and found.reason.startswith("Chosen by hand")
        assert not any("cannot be read" in text for text in told)
    else:
        assert found.reading == inferred
        assert any(text.startswith(f"It cannot be read as {wish}: ") for text in told)
    from_json(to_json(report(old, new, wish)), ShiftReport)


def test_dates_that_are_all_later_are_time_passing_unless_they_are_to_be_numbers():
    later = column(DAYS, DAYS + pd.Timedelta(days=N))
    assert (later.level, dict(later.measures)) == ("none", {})
    assert "from 2026-01-01 to 2026-08-28" in later.summary and "time passing" in later.summary
    assert column(DAYS, DAYS + pd.Timedelta(days=N), "numeric").level == "major"
    assert column(DAYS, DAYS + pd.Timedelta(days=N // 2)).level == "major"
    assert column(DAYS, DAYS[::2]).level == "none"


def test_record_numbers_and_constants_are_not_tested_but_their_gaps_are():
    numbers = column(np.arange(N), np.arange(N) + N // 2)
    assert (numbers.level, dict(numbers.measures)) == ("none", {})
    assert "120 of the new values occur in the old data too" in numbers.summary
    assert column([5] * N, [5] * N).measures == {}
    gaps = column([5] * N, [5, None] * (N // 2))
    assert gaps.reading == "constant" and gaps.level == "major" and set(gaps.measures) == {"missing_rate"}


def test_the_label_is_compared_whatever_it_looks_like():
    for values in (np.arange(N), [f"name {i}" for i in range(N)], ["same"] * N, DAYS, sentences(1)):
        frame = pd.DataFrame({"x": NORMAL, "y": values})
        label = shift_report(frame, frame[: N // 2], label="y").labels[0]
        assert label.reading in ("numeric", "integer code", "categorical", "high-cardinality")
        assert label.summary.endswith(".")


# --- free text ------------------------------------------------------------------------------------


def test_a_word_that_came_up_is_named():
    new = [f"{text} refund" if i % 4 == 0 else text for i, text in enumerate(sentences(2))]
    found = column(sentences(1), new)
    assert found.level in ("minor", "major") and found.kind == "numeric"
    assert "rows with the word “refund”: 0 % → 25 %" in found.summary
    assert found.measures["word_rate"].p_adjusted < 0.001
    (words,) = [finding for finding in found.findings if finding.what == "new words"]
    assert words.text.endswith("of the words in new rows occur in no old row (0 % would without a change).")


def test_longer_texts_are_found():
    found = column(sentences(1), [f"{text} {text}" for text in sentences(2)])
    assert found.level == "major" and found.summary.startswith("Median number of words in a row: ")


def test_a_new_language_is_mostly_new_words():
    other = [word[::-1] + "x" for word in WORDS]
    found = column(sentences(1), sentences(2, words=other))
    (words,) = [finding for finding in found.findings if finding.what == "new words"]
    assert found.level == "major" and words.level == "major" and words.text.startswith("100 % of the words")


@pytest.mark.parametrize(("rows", "vocabulary"), [((60, 40), 80), ((400, 150), 3_000)])
def test_text_of_the_same_kind_is_quiet(rows, vocabulary):
    shares = 1 / np.arange(1, vocabulary + 1)
    words = [f"w{i}" for i in range(vocabulary)]
    alarms, said, effects = 0, 0, []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        draw = rng.choice(words, (sum(rows), 12), p=shares / shares.sum())
        texts = [" ".join(row[: rng.integers(5, 13)]) for row in draw]
        found = column(texts[: rows[0]], texts[rows[0] :])
        assert found.reading == "free text"
        alarms += found.level != "none"
        said += any(finding.level != "none" for finding in found.findings)
        effects.append(found.effect)
    assert alarms <= 8  # 5 % of 80, and two standard errors
    assert said <= 2


# --- many categories ------------------------------------------------------------------------------


def test_values_that_nobody_saw_before_are_told_from_those_to_be_expected():
    rng = np.random.default_rng(0)
    names = np.array([f"town {i}" for i in range(5_000)])
    old, new = (rng.choice(names, 1_000) for _ in range(2))
    alike = column(old, new)
    assert alike.reading == "high-cardinality" and alike.level == "none"
    assert not [finding for finding in alike.findings if finding.what == "new categories"]
    moved = column(old, np.char.add(new, "!"))
    (finding,) = [finding for finding in moved.findings if finding.what == "new categories"]
    assert finding.text.startswith("100 % of the new values occur nowhere in the old data (8")
    assert finding.level == "minor"


def test_categories_that_are_all_rare_are_not_compared():
    rng = np.random.default_rng(0)
    names = [f"town {i}" for i in range(5_000)]
    found = column(rng.choice(names, 600), rng.choice(names, 500))
    assert found.summary == "No value is frequent enough to be compared." and not found.measures


# --- findings -------------------------------------------------------------------------------------

FINDINGS = {
    "missing": (NORMAL, [*NORMAL[:120], *[np.nan] * 120], "major"),
    "infinite": (NORMAL, [*NORMAL[:216], *[np.inf] * 24], "minor"),
    "new categories": (["a"] * N, [*["a"] * 60, *["b"] * 180], "major"),
    "vanished categories": ([*["a"] * 220, *["b"] * 20], ["a"] * N, "minor"),
    "type": (NORMAL, [f"{x:.3f}" for x in NORMAL], "minor"),
    "range": (NORMAL, NORMAL + 10, "major"),
    "reading": (NORMAL, [*(f"{x:.3f}" for x in NORMAL[10:]), *["?"] * 10], "none"),
}


@pytest.mark.parametrize("what", FINDINGS)
def test_a_finding_has_a_level_of_its_own(what):
    old, new, level = FINDINGS[what]
    found = column(old, new)
    (finding,) = [finding for finding in found.findings if finding.what == what]
    assert finding.level == level
    written = shift_json(report(old, new))["columns"]["odd"]["findings"]
    assert {"what": what, "level": level, "text": finding.text} in written


def test_a_share_of_gaps_that_did_not_change_is_told_without_alarm():
    gaps = np.where(np.arange(N) % 3, NORMAL, np.nan)
    (finding,) = column(gaps, gaps).findings
    assert (finding.what, finding.level) == ("missing", "none")


def test_a_new_category_of_one_row_is_not_named():
    new = ["a", "b"] * 4 + ["secret"]
    old = ["a", "b"] * 5_000
    texts = " ".join(finding.text for finding in column(old, new).findings)
    assert "(fewer than 5 rows)" in texts and "secret" not in to_json(report(old, new)).decode()


# --- thresholds -----------------------------------------------------------------------------------


def test_thresholds_are_the_users():
    from retrain_core.types import Thresholds

    rng = np.random.default_rng(0)
    old, new = (pd.DataFrame({"x": rng.normal(move, 1, 2_000)}) for move in (0, 0.3))
    levels = {}
    for name, thresholds in {
        "usual": Thresholds(),
        "strict": Thresholds(minor=0.05, major=0.2),
        "loose": Thresholds(minor=0.6, major=0.9),
        "doubtful": Thresholds(alpha=1e-30),
    }.items():
        found = shift_report(old, new, label=None, settings=ShiftSettings(thresholds))
        levels[name] = found.columns[0].level
        assert found.settings.thresholds == thresholds
        assert found.overall.level == max(
            found.columns[0].level, found.multivariate.level, key=["none", "minor", "major"].index
        )
        assert from_json(to_json(found), ShiftReport) == found
    assert levels == {"usual": "minor", "strict": "major", "loose": "none", "doubtful": "none"}


def test_what_could_be_detected_is_told_for_each_column():
    frame = pd.DataFrame({"x": NORMAL, "gaps": [*NORMAL[:60], *[np.nan] * 180]})
    found = {shift.name: shift for shift in shift_report(frame, frame, label=None).columns}
    assert found["gaps"].detectable > found["x"].detectable > 0
    assert shift_json(report(NORMAL, NORMAL))["columns"]["odd"]["detectable"] > 0
