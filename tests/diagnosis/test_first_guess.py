"""The first guess: from evidence to a strategy, and never against what was measured."""

import itertools
from dataclasses import replace

import pytest

from retrain_core.diagnosis import first_guess, volume
from retrain_core.strategies import STRATEGIES
from retrain_core.types import (
    Aspect,
    CandidateScores,
    ColumnFinding,
    ColumnShift,
    Comparison,
    FirstGuess,
    Holdout,
    KindTest,
    LossChange,
    LossStep,
    Metric,
    ModelShift,
    Recommendation,
    Region,
    ShiftKinds,
    ShiftReport,
    from_json,
    to_json,
)

STEPS = ("harder inputs", "changed labels", "unseen inputs")
UNKNOWN = Aspect(None, "It cannot be told.")
FAR = "LIMIT_BAL <= 30,000: error 12 % -> 31 %."


def column(name, level="major", effect=0.8, kind="numeric", findings=()):
    return ColumnShift(name, kind, level, effect, {}, "It moved.", findings)


def kinds(kind, *moved):
    tests = {
        name: KindTest(name in moved, 0.001 if name in moved else 0.5, 0.3)
        for name in ("x", "y", "y|x", "x|y")
    }
    return ShiftKinds(kind, f"It is a shift of kind {kind}.", tests)


def loss(change, main="changed labels", noise=0.02):
    steps = tuple(
        LossStep(name, change if name == main else 0.0, (change - noise, change + noise)) for name in STEPS
    )
    return LossChange(0.40, 0.40 + change, (change - noise, change + noise), steps, "It changed.")


def model(change=None, regions=(), explained=0.8):
    return ModelShift(
        UNKNOWN,
        loss=change,
        regions=tuple(Region("r", 0.12, 0.31, (0.1, 0.2), s, FAR, explained) for s in regions),
    )


def report(kind=None, seen=None, labels=(), columns=(), **changes):
    aspect = Aspect("none", "Nothing moved.")
    made = ShiftReport(
        aspect, tuple(columns), UNKNOWN, UNKNOWN, aspect, 10_000, 5_000, tuple(labels), None, kind
    )
    return replace(made, model=seen, **changes)


def comparison(choice, tried=("keep", "fine_tune", "full_retrain"), clear=True):
    scores = CandidateScores("finished", None, {"loss": 0.4}, None, {}, (), 1.0, 1.0, "cpu", None)
    advice = STRATEGIES[choice].advice
    advised = Recommendation(choice, clear, f"{advice}: accuracy is 71.2 % on the new rows.", ())
    holdout = Holdout(100, 100, "hash")
    return Comparison(1, "binary", Metric("accuracy", "max"), holdout, dict.fromkeys(tried, scores), advised)


ENOUGH = volume(5_000, 10_000, 4_000.0)
LABEL, CONCEPT, COVARIATE = kinds("label", "x", "y"), kinds("concept", "y|x"), kinds("covariate", "x")


@pytest.mark.parametrize(
    ("made", "rows", "strategy"),
    [
        (report(kinds("none"), model(loss(0.001))), ENOUGH, "keep"),
        (report(COVARIATE, model(loss(0.015, "unseen inputs"))), ENOUGH, "keep"),
        (
            report(COVARIATE, model(loss(0.015, "unseen inputs", 0.001))),
            ENOUGH,
            "keep",
        ),  # real, within tolerance
        (report(LABEL, model(loss(0.2))), ENOUGH, "recalibrate"),
        (report(LABEL, None, [column("y", kind="numeric")]), ENOUGH, "fine_tune"),
        (
            report(
                LABEL,
                None,
                [column("y", kind="categorical", findings=(ColumnFinding("new categories", ""),))],
            ),
            ENOUGH,
            "fine_tune",
        ),
        (report(COVARIATE, model(loss(0.2, "unseen inputs"))), ENOUGH, "replay"),
        (report(COVARIATE, model(loss(0.2, "harder inputs"))), ENOUGH, "replay"),
        (report(CONCEPT, model(loss(0.2), [0.2])), ENOUGH, "fine_tune"),
        (report(CONCEPT, model(loss(0.2), [0.7])), ENOUGH, "full_retrain"),
        (report(CONCEPT, model(loss(0.2))), ENOUGH, "full_retrain"),
        (
            report(CONCEPT, model(loss(0.2), [0.1], explained=0.3)),
            ENOUGH,
            "full_retrain",
        ),  # worse elsewhere too
        (report(CONCEPT, model(replace(loss(0.2), overlap=0.1))), ENOUGH, "full_retrain"),
        (report(COVARIATE, model(replace(loss(0.2), overlap=0.1))), ENOUGH, "replay"),
        (report(CONCEPT, model(loss(0.2), [0.7])), volume(400, 10_000, None), "fine_tune"),
        (report(kinds("mixed", "x", "y", "y|x", "x|y"), model(loss(0.2, "unseen inputs"))), ENOUGH, "replay"),
        (report(kinds("mixed", "x", "y", "y|x", "x|y"), model(loss(0.2), [0.3])), ENOUGH, "fine_tune"),
        (report(kinds("none"), model(replace(loss(0.2), steps=()))), ENOUGH, "fine_tune"),
        (report(), ENOUGH, "keep"),
        (report(columns=[column("a")]), ENOUGH, "replay"),
        (report(concept=Aspect("major", "It moved.")), ENOUGH, "full_retrain"),
        (report(old_rows=0), volume(5_000, 0, None), "incremental"),
        (report(old_rows=0), volume(500, 0, None), "fine_tune"),
    ],
)
def test_evidence_points_to_a_strategy(made, rows, strategy):
    found = first_guess(made, rows, None)
    assert found.strategy == strategy
    title = STRATEGIES[strategy].title
    assert f"First guess: {title[0].lower()}{title[1:]}, because " in found.paragraph
    assert not found.measured


def test_the_paragraph_says_what_moved_how_and_whether_it_hurts():
    columns = [column("LIMIT_BAL", effect=0.81), column("PAY_0", "minor", 0.2), column("AGE", "none", 0.01)]
    made = report(CONCEPT, model(loss(0.2), [0.2]), [column("default")], columns)
    assert first_guess(made, ENOUGH, None).paragraph == (
        "2 of 3 columns moved, most LIMIT_BAL (d = 0.81) and PAY_0 (d = 0.20), and the label default moved. "
        "It is a shift of kind concept. "
        "The old model's loss went from 0.4 on old rows to 0.6 on new ones (95 % of the change: +0.18 to +0.22): "
        "it is hurt, most of it from changed labels (+0.2). "
        f"Most of all where {FAR} "
        "There are 5,000 new rows and 10,000 old ones; for data like the new, the old rows are worth about 4,000. "
        "First guess: fine-tune, because the same inputs get other labels, mostly in a region of 20 % of the new rows. "
        "Measuring the strategies decides."
    )


def test_a_model_that_is_not_hurt_is_said_to_be_so():
    text = first_guess(report(COVARIATE, model(loss(-0.1))), ENOUGH, None).paragraph
    assert "so it is not hurt." in text and "because the old model is not hurt" in text


def test_without_a_model_view_the_harm_is_unknown():
    text = first_guess(report(COVARIATE), ENOUGH, None).paragraph
    assert "Whether the old model is hurt cannot be told" in text


def test_columns_that_moved_only_together_are_not_called_still():
    text = first_guess(report(multivariate=Aspect("major", "It moved.")), ENOUGH, None).paragraph
    assert text.startswith("No single column moved") and "all together did" in text


REPORTS = [
    report(kind, seen, labels)
    for kind, seen, labels in itertools.product(
        (None, kinds("none"), LABEL, CONCEPT, COVARIATE, kinds("mixed", "x", "y", "y|x", "x|y"), kinds(None)),
        (
            None,
            model(),
            *(model(loss(change, main)) for change in (-0.1, 0.2) for main in STEPS),
            model(loss(0.3), [0.1]),
        ),
        ((), (column("y", kind="categorical"),)),
    )
]


@pytest.mark.parametrize("choice", STRATEGIES)
def test_what_to_do_is_what_was_measured(choice):
    advice = STRATEGIES[choice].advice
    for made in REPORTS:
        found = first_guess(made, ENOUGH, comparison(choice, ("keep", choice)))
        assert "First guess:" not in found.paragraph  # the paragraph no longer says what to do
        assert "Before measuring, this pointed to" in found.paragraph
        assert f"{advice}: accuracy is 71.2 %" in found.measured
        if found.strategy == choice:
            assert found.measured.startswith("The measurement agrees with the first guess. ")
        else:
            assert found.measured.endswith(f"The measurement decides: {advice[0].lower()}{advice[1:]}.")
        others = {other.advice for other in STRATEGIES.values()} - {advice}
        assert not any(f"decides: {other[0].lower()}{other[1:]}." in found.measured for other in others)


def test_a_guess_and_a_measurement_that_differ():
    found = first_guess(report(CONCEPT, model(loss(0.2), [0.2])), ENOUGH, comparison("keep"))
    assert found.measured == (
        "First guess: fine-tune. Measured: Keep the old model: accuracy is 71.2 % on the new rows. "
        "The measurement decides: keep the old model."
    )


def test_a_guess_that_was_not_tried_is_said_to_be_so():
    found = first_guess(report(LABEL, model(loss(0.2))), ENOUGH, comparison("fine_tune"))
    assert "Recalibrate was not among the candidates." in found.measured


def test_without_a_recommendation_nothing_is_measured():
    undecided = replace(comparison("keep"), recommendation=None)
    assert first_guess(report(LABEL), ENOUGH, undecided) == first_guess(report(LABEL), ENOUGH, None)


def test_a_guess_goes_through_json():
    found = first_guess(report(LABEL), ENOUGH, comparison("keep"))
    assert from_json(to_json(found), FirstGuess) == found


def test_where_old_and_new_hardly_overlap_no_step_is_named():
    found = first_guess(report(COVARIATE, model(replace(loss(0.2), overlap=0.09))), ENOUGH, None)
    assert "because the new rows are unlike nearly all old ones" in found.paragraph
    assert "it is hurt." in found.paragraph and "most of it from" not in found.paragraph


def test_known_inputs_keep_their_labels_only_if_that_was_told():
    unseen = model(loss(0.2, "unseen inputs"))
    assert (
        "while known ones keep their labels" in first_guess(report(COVARIATE, unseen), ENOUGH, None).paragraph
    )
    assert "while known ones" not in first_guess(report(None, unseen), ENOUGH, None).paragraph
