"""One HTML file with everything in it: no network, no raw rows, nothing of the user's that runs."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from retrain_core.compare.basis_words import FIRST_SEED, no_rival, several_seeds
from retrain_core.figures.style import keep_first, look_of, recoloured_on_dark, trains
from retrain_core.glossary import GLOSSARY, terms_used
from retrain_core.report import (
    answers,
    charts,
    costs,
    diagnosis_charts,
    diagnosis_facts,
    error_charts,
    facts,
    shift_charts,
    shift_facts,
)
from retrain_core.report.chart import Chart
from retrain_core.report.content import COMMANDS_WHERE, ReportContent
from retrain_core.report.tables import parts_of, status_words
from retrain_core.report.words import SCORE_NAMES, score_cell
from retrain_core.shift.others import others_said
from retrain_core.types import Comparison

FOLDER = Path(__file__).parent
MOST_COLUMNS = 20  # of the data, in chart and table of the shift


def render(content: ReportContent) -> str:
    """Return the report as one self-contained HTML document.

    It may be passed on: it loads nothing, runs nothing but its own two scripts, shows what users typed as text, and
    holds no rows of data. Its size does not depend on the number of rows.

    Args:
        content: The experiment and its answer.
    """
    comparison, shift = content.comparison, content.shift
    payoffs = charts.payoffs_of(content)
    sections: dict[str, list[Chart]] = {
        "scores": charts.score_charts(comparison),
        "tradeoff": [chart for chart in [charts.tradeoff_chart(comparison)] if chart],
        "errors": error_charts.error_charts(content),
        "flips": error_charts.flip_charts(content),
        "curves": charts.curve_charts(content),
        "cost": charts.cost_charts(comparison),
        "payoff": charts.payoff_charts(content, payoffs),
        "effects": [shift_charts.effects_chart(shift, MOST_COLUMNS)] if shift and shift.columns else [],
        "joint": shift_charts.joint_charts(shift) if shift else [],
        "model": shift_charts.model_charts(shift, comparison.task) if shift else [],
        "volume": diagnosis_charts.volume_charts(content.learning_curves),
        "sensitivity": diagnosis_charts.sensitivity_charts(content),
        "distributions": shift_charts.distribution_charts(shift) if shift else [],
    }
    scripts = (get_plotlyjs(), (FOLDER / "page.js").read_text("utf-8"))
    return _environment().get_template("page.html").render(
        content=content,
        comparison=comparison,
        several_seeds=several_seeds(comparison.strategies),
        first_seed=FIRST_SEED,
        shift=shift,
        charts=sections,
        scores=_score_rows(comparison),
        parts=parts_of(comparison),
        score_names=SCORE_NAMES,
        failures=_failures(comparison),
        most_columns=MOST_COLUMNS,
        facts=facts,
        shift_facts=shift_facts,
        diagnosis_facts=diagnosis_facts,
        answers=answers,
        without_rival=no_rival,
        costs=costs,
        payoffs=payoffs,
        others=others_said,
        commands_where=COMMANDS_WHERE,
        drawings=_drawings(chart for section in sections.values() for chart in section),
        policy=_policy(scripts),
        scripts=[Markup(script) for script in scripts],  # our own
        style=Markup((FOLDER / "page.css").read_text("utf-8")),
    )  # fmt: skip


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["terms"] = lambda text: [(term, GLOSSARY[term]) for term in terms_used(text)]
    return environment


def _policy(scripts: Iterable[str]) -> str:
    """Return a Content-Security-Policy that allows these scripts and no network at all."""
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    return "; ".join(
        (
            "default-src 'none'",
            "script-src " + " ".join(f"'sha256-{value}'" for value in hashes),
            "style-src 'unsafe-inline'",  # Plotly styles what it draws
            "img-src data: blob:",  # saving a chart as a picture
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _drawings(drawn: Iterable[Chart]) -> Markup:
    """Return the figures and the colours of dark pages as JSON that cannot end its script element."""
    data: dict[str, Any] = {
        "figures": {chart.key: json.loads(chart.figure.to_json()) for chart in drawn},
        "dark": recoloured_on_dark(),
    }
    text = json.dumps(data, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _score_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Return the table of scores: a row a candidate, its cells by part and score."""
    chosen = comparison.recommendation.choice if comparison.recommendation else None
    return [
        {
            "title": look_of(name).title,
            "colour": look_of(name).colour,
            "chosen": name == chosen,
            "status": status_words(candidate),
            "seconds": f"{candidate.seconds:,.1f} s" if candidate.new and trains(name) else "–",
            "memory": f"{candidate.peak_memory_mb:,.0f} MB" if candidate.peak_memory_mb else "–",
            "cells": [
                score_cell(comparison, name, part, score)
                for score in (comparison.metric.name, "loss")
                for part in parts_of(comparison)
            ],
        }
        for name in keep_first(comparison.strategies)
        for candidate in (comparison.strategies[name],)
    ]


def _failures(comparison: Comparison) -> list[tuple[str, str]]:
    """Return why candidates failed, each reason once."""
    found = [
        (look_of(name).title, str(error))
        for name, candidate in comparison.strategies.items()
        for error in dict.fromkeys([candidate.error, *(seed.get("error") for seed in candidate.per_seed)])
        if error
    ]
    return list(dict.fromkeys(found))
