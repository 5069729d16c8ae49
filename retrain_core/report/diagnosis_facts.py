"""What a data scientist asks of the diagnosis: how robust is each model, and what was not measured?"""

from __future__ import annotations

from collections.abc import Mapping

from retrain_core.compare.score_words import score_text
from retrain_core.diagnosis import no_better_than_one_class
from retrain_core.figures.style import keep_first, look_of
from retrain_core.report.content import ReportContent
from retrain_core.report.words import SCORE_NAMES
from retrain_core.types import Work

Rows = list[list[str]]


def unmeasured(content: ReportContent, what: str, work: Work, page: str, strategy: str = "keep") -> str:
    """Return that something was not measured, and why, or which page of the app measures it."""
    error = content.errors.get((work, strategy))
    return (
        f"{what} could not be measured. {error}"
        if error
        else f"{what} was not measured: the {page} page of the app does it."
    )


MOVED: Mapping[Work, str] = {
    "shift": "How the data has moved",
    "explain": "What the old model makes of the shift",
}


def not_known(content: ReportContent) -> list[str]:
    """Return of each part of the shift that could not be measured, or not be read, that it is left out, and why."""
    return [
        unmeasured(content, what, work, "Shift")
        for work, what in MOVED.items()
        if (work, "keep") in content.errors
    ]


def robustness(content: ReportContent) -> tuple[list[str], Rows]:
    """Return how robust each model is against disturbed rows: titles of the columns, and a row each."""
    found = content.sensitivities
    return ["model", SCORE_NAMES[content.comparison.metric.name], "robustness (%)"], [
        [look_of(one.model).title, score_text(one.metric_name, one.metric), f"{100 * one.robustness:.0f}"]
        for one in found
    ]


def sensitivity_notes(content: ReportContent) -> list[str]:
    """Return what is to be known about the robustness and how the models were disturbed, each note once."""
    notes = (note for one in content.sensitivities for note in one.notes)
    return list(dict.fromkeys((*no_better_than_one_class(content.sensitivities), *notes)))


def undisturbed(content: ReportContent) -> list[str]:
    """Return of each model that nobody has disturbed that it is so, and why."""
    known = {one.model for one in content.sensitivities}
    models = [
        name
        for name in keep_first(content.comparison.strategies)
        if name == "keep" or content.comparison.strategies[name].model
    ]
    return [
        unmeasured(
            content, f"What disturbed rows cost {look_of(name).title}", "sensitivity", "Diagnosis", name
        )
        for name in models
        if name not in known
    ]
