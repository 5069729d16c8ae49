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
FAR = "LIMIT_BAL ≤ 30,000: error 12.0 % → 31.0 % (8 % of the new rows)."


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


def comparison(choice, tried=("keep", "fine_tune", "full_retrain"), clear=True, **lacking):
    """Return a comparison that advises one of those tried; of each that is ``lacking`` a score, its status is given."""
    scores = CandidateScores("finished", None, {"loss": 0.4}, None, {}, (), 1.0, 1.0, "cpu", None)
    candidates = dict.fromkeys(tried, scores)
    candidates |= {name: replace(scores, status=status, new=None) for name, status in lacking.items()}
    advice = STRATEGIES[choice].advice
    advised = Recommendation(choice, clear, f"{advice}: accuracy is 71.2 % on the new rows.", ())
    holdout = Holdout(100, 100, "hash")
    return Comparison(1, "binary", Metric("accuracy", "max"), holdout, candidates, advised)


ENOUGH = volume(5_000, 10_000, 4_000.0)
LABEL, CONCEPT, COVARIATE = kinds("label", "x", "y"), kinds("concept", "y|x"), kinds("covariate", "x")


@pytest.mark.parametrize(
    ("made", "rows", "strategy"),
    [
        (report(kinds("none"), model(loss(0.001))), ENOUGH, "keep"),
        (report(kinds("none"), model(loss(0.2))), ENOUGH, "keep"),  # it knew its old rows
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
        (report(None, model(replace(loss(0.2), steps=()))), ENOUGH, "fine_tune"),
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
    assert found.lead.startswith(f"First guess: {title[0].lower()}{title[1:]}, because ")
    assert not found.measured


def test_the_points_say_what_moved_how_and_whether_it_hurts():
    columns = [column("LIMIT_BAL", effect=0.81), column("PAY_0", "minor", 0.2), column("AGE", "none", 0.01)]
    made = report(CONCEPT, model(loss(0.2), [0.2]), [column("default")], columns)
    found = first_guess(made, ENOUGH, None)
    assert found.lead == (
        "First guess: fine-tune, because the same inputs get other labels, mostly in a region of 20 % of the new rows."
    )
    assert found.points == (
        "2 of 3 columns moved, most LIMIT_BAL (0.81 standard deviations), then PAY_0; "
        "the label default moved.",
        "It is a shift of kind concept.",
        "The old model is hurt: its loss went from 0.4 on old rows to 0.6 on new ones "
        "(95 % interval of the change: +0.18 to +0.22), most of it from changed labels (+0.2). "
        f"Its error has risen most where {FAR}",
    )
    assert found.paragraph == " ".join((*found.points, found.lead))


def test_a_model_that_is_not_hurt_is_said_to_be_so():
    text = first_guess(report(COVARIATE, model(loss(-0.1))), ENOUGH, None).paragraph
    assert "The old model is not hurt: its loss went from" in text
    assert "because the old model is not hurt" in text


def test_without_a_model_view_the_harm_is_unknown():
    text = first_guess(report(COVARIATE), ENOUGH, None).paragraph
    assert "Whether the old model is hurt cannot be told" in text


def test_columns_that_moved_only_together_are_not_called_still():
    text = first_guess(report(multivariate=Aspect("major", "It moved.")), ENOUGH, None).paragraph
    assert text.startswith("No column alone moved enough to matter, but all together did.")


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


def guess_of(made):
    return first_guess(made, ENOUGH, None).strategy


@pytest.mark.parametrize("choice", STRATEGIES)
def test_what_to_do_is_what_was_measured(choice):
    advice = STRATEGIES[choice].advice
    for made in REPORTS:
        found = first_guess(made, ENOUGH, comparison(choice, ("keep", "blend", choice, guess_of(made))))
        assert "First guess:" not in found.paragraph  # the paragraph no longer says what to do
        assert found.lead.startswith("Before measuring, this pointed to ")
        assert f"{advice}: accuracy is 71.2 %" in found.measured
        if found.strategy == choice:
            assert found.measured.startswith(
                "The measurement agrees with the first guess (old rows count 50 %). "
            )
        else:
            assert found.measured.endswith(f"The measurement decides: {advice[0].lower()}{advice[1:]}.")
        others = {other.advice for other in STRATEGIES.values()} - {advice}
        assert not any(f"decides: {other[0].lower()}{other[1:]}." in found.measured for other in others)


def test_a_guess_and_a_measurement_that_differ():
    found = first_guess(report(CONCEPT, model(loss(0.2), [0.2])), ENOUGH, comparison("keep"))
    assert found.measured == (
        "First guess: fine-tune. Measured (old rows count 50 %): Keep the old model: accuracy is 71.2 % on the new rows. "
        "The measurement decides: keep the old model."
    )


@pytest.mark.parametrize(("choice", "agrees"), [("keep", False), ("fine_tune", True)])
def test_what_is_not_certain_decides_nothing(choice, agrees):
    unsure = comparison(choice, clear=False)
    said = first_guess(LOCAL, ENOUGH, unsure).measured
    assert ("agrees with the first guess" in said) is agrees and "decides" not in said
    start = "This is not decided yet:" if agrees else "Not decided yet: for now keep the old model;"
    assert said.endswith(f" {start} more held-out rows or more seeds would help.")
    assert "decided" not in first_guess(LOCAL, ENOUGH, comparison(choice)).measured


def test_a_guess_that_was_not_tried_is_said_to_be_so():
    found = first_guess(report(LABEL, model(loss(0.2))), ENOUGH, comparison("fine_tune"))
    assert found.measured.startswith(
        "First guess: recalibrate. It was not among the candidates. Measured (old rows count 50 %): "
    )
    assert found.measured.endswith("By what was measured: fine-tune.")


LOCAL = report(CONCEPT, model(loss(0.2), [0.2]))  # points to fine-tune


def test_a_guess_that_failed_is_not_called_measured():
    found = first_guess(LOCAL, ENOUGH, comparison("keep", fine_tune="failed"))
    assert found.measured.startswith(
        "First guess: fine-tune. Fine-tune failed, so it was not measured. Measured (old rows count 50 %): "
    )
    assert found.measured.endswith("By what was measured: keep the old model.")


def test_agreement_is_not_certain_while_candidates_lack_scores():
    whole = first_guess(LOCAL, ENOUGH, comparison("fine_tune")).measured
    assert whole.startswith("The measurement agrees with the first guess (old rows count 50 %). ")
    lacking = comparison("fine_tune", full_retrain="failed", replay="failed", ewc="stopped")
    assert first_guess(LOCAL, ENOUGH, lacking).measured.startswith(
        "The measurement agrees with the first guess, as far as it goes (old rows count 50 %). "
        "Full retrain and incremental with replay failed, so they were not measured. "
        f"{STRATEGIES['ewc'].title} ended without a score, so it was not measured. "
    )


@pytest.mark.parametrize("made", [LOCAL, report(kinds("none"))])
def test_without_a_score_beside_keep_s_nothing_agrees(made):
    found = first_guess(made, ENOUGH, comparison("keep", ("keep",), fine_tune="failed"))
    assert found.measured.startswith(
        "Nothing beside keep has a score, so the first guess was not put to the test. "
        "Fine-tune failed, so it was not measured. "
    )


def test_a_step_that_the_kinds_speak_against_decides_nothing():
    seen = model(loss(0.2))  # from changed labels
    found = first_guess(report(COVARIATE, seen), ENOUGH, None)
    assert found.strategy == "replay" and "the same inputs get other labels" not in found.paragraph
    assert "labels given the inputs did not move enough to matter" in found.lead
    assert "changed labels (+0.2), which the tests for kinds of shift do not confirm" in found.paragraph
    found = first_guess(report(kinds("none"), seen), ENOUGH, None)
    assert found.strategy == "keep" and "it may just know the old rows it was trained on" in found.lead
    found = first_guess(report(CONCEPT, model(loss(0.2, "unseen inputs"))), ENOUGH, None)
    assert found.strategy == "full_retrain" and "unseen inputs (+0.2), which the tests" in found.paragraph
    assert "do not confirm" not in first_guess(report(CONCEPT, seen), ENOUGH, None).paragraph
    assert "do not confirm" not in first_guess(report(LABEL, seen), ENOUGH, None).paragraph


def test_a_label_shift_stays_one_though_it_changes_the_labels_given_the_inputs():
    found = first_guess(report(kinds("label", "x", "y", "y|x"), model(loss(0.2))), ENOUGH, None)
    assert found.strategy == "recalibrate" and "each looks as it did before" in found.lead


def test_nothing_is_said_of_regions_where_none_was_confirmed():
    found = first_guess(report(CONCEPT, model(loss(0.2))), ENOUGH, None)
    assert found.lead == "First guess: full retrain, because the same inputs get other labels."


def test_labels_that_followed_the_inputs_are_no_label_shift():
    found = first_guess(report(kinds("covariate", "x", "y"), model(loss(0.2, "unseen inputs"))), ENOUGH, None)
    assert found.strategy == "replay"
    assert first_guess(report(kinds("covariate", "x", "y")), ENOUGH, None).strategy == "replay"


def test_what_each_label_looks_like_is_said_only_if_it_was_told():
    told = first_guess(report(LABEL), ENOUGH, None)
    untold = first_guess(report(label=Aspect("major", "It moved.")), ENOUGH, None)
    assert told.strategy == untold.strategy == "recalibrate"
    assert "each looks as it did before" in told.lead and "each looks" not in untold.lead


def test_without_a_recommendation_nothing_is_measured():
    undecided = replace(comparison("keep"), recommendation=None)
    assert first_guess(report(LABEL), ENOUGH, undecided) == first_guess(report(LABEL), ENOUGH, None)


def test_a_guess_goes_through_json():
    found = first_guess(report(LABEL), ENOUGH, comparison("keep"))
    assert from_json(to_json(found), FirstGuess) == found


def test_where_old_and_new_hardly_overlap_no_step_is_named():
    found = first_guess(report(COVARIATE, model(replace(loss(0.2), overlap=0.09))), ENOUGH, None)
    assert "because the new rows are unlike nearly all old ones" in found.paragraph
    assert "The old model is hurt" in found.paragraph and "most of it from" not in found.paragraph


def test_known_inputs_keep_their_labels_only_if_that_was_told():
    unseen = model(loss(0.2, "unseen inputs"))
    assert (
        "while known ones keep their labels" in first_guess(report(COVARIATE, unseen), ENOUGH, None).paragraph
    )
    assert "while known ones" not in first_guess(report(None, unseen), ENOUGH, None).paragraph
