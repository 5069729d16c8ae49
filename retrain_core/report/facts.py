"""What a data scientist asks after the first page: how was it measured, on what, with what?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from retrain_core.compare.basis_words import seeds_scored, weighed_rows
from retrain_core.compare.score_words import name_of, score_text
from retrain_core.compare.weighing import old_side
from retrain_core.figures.style import keep_first, look_of
from retrain_core.report.answers import margin_text
from retrain_core.report.content import ReportContent
from retrain_core.report.tables import forecast_words, parts_of, status_words
from retrain_core.report.words import SCORE_NAMES
from retrain_core.types import Comparison, Holdout, Scalar, SplitSettings
from retrain_core.types.text import counted

PART_TITLES: Mapping[str, str] = {
    "new_train": "New, training",
    "new_validation": "New, validation",
    "new_holdout": "New, holdout",
    "old_train": "Old, training",
    "old_holdout": "Old, holdout",
}
MOST_LABELS = 12  # that are counted one by one
Facts = list[tuple[str, str]]
Rows = list[list[str]]


def day(seconds: float) -> str:
    """Return a moment as a date and time in UTC.

    >>> day(1_760_000_000.0)
    '2025-10-09 08:53 UTC'
    """
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def method(content: ReportContent) -> list[str]:
    """Return how scores, intervals and the recommendation come about."""
    comparison = content.comparison
    holdout = comparison.holdout
    seeds = max((seeds_scored(one) for one in comparison.strategies.values()), default=0)
    old = f" and {holdout.old_rows:,} old" if holdout.old_rows else ""
    over = f"over rows and over {seeds} seeds" if seeds > 1 else "over rows; one seed a candidate"
    return [
        f"Every candidate is scored on the same {holdout.new_rows:,} new{old} rows, held out from all training here.",
        f"Intervals are 95 % intervals {over}. Differences to keep are taken row by row on the same rows. P-values are "
        "McNemar's for accuracy with one seed; else those of the paired bootstrap, with up to 1,000 resamples of the rows. "
        "They are adjusted over the candidates (Holm).",
        *_recommended(content),
    ]


def _recommended(content: ReportContent) -> list[str]:
    """Return how the recommendation comes about."""
    found, wishes = content.comparison.recommendation, content.comparison.wishes
    if found is None:
        return []
    old = "old" in found.rows
    counts = f", in which the old part counts {100 * wishes.old_weight:.0f} %" if old else ""
    return [
        f"The recommendation takes the candidate whose {' and '.join(map(name_of, found.scores))} can be expected to be best"
        f"{counts}, on {_weighed(content, found.rows)}. What was found is partly luck of the rows, the more so the less the "
        "data has moved; that much is taken off.",
        "Of candidates that are hardly apart the one that trains fastest is taken, and keep before all. The smallest "
        f"difference that matters is {margin_text(found.scores[0], wishes.margin)}. It is called clear if no other candidate "
        "may be better by more than that (95 % intervals).",
    ]


def _weighed(content: ReportContent, rows: Mapping[str, int]) -> str:
    """Return which rows are weighed, and why not all those of the holdout."""
    evidence, wishes = content.evidence, content.comparison.wishes
    if evidence is None:
        return " and ".join(f"{count:,} {side} rows" for side, count in rows.items())
    names = weighed_rows(evidence, wishes)
    told = " and ".join(f"{rows[side]:,} {name}" for side, name in names.items() if side in rows)
    instead = "old" in rows and old_side(evidence, wishes) == "trained"
    return told + (", as the old model knows the old rows of the holdout" if instead else "")


def held_labels(holdout: Holdout) -> list[str]:
    """Return how many rows of each part of the holdout have each label, a sentence a part; none for regression.

    >>> held_labels(Holdout("", 28, 0, {"new": {"no": 20, "yes": 8}}))
    ['New part by label: no: 20; yes: 8.']
    """
    found = []
    for side, labels in holdout.labels.items():
        counts = [f"{name}: {count:,}" for name, count in labels.items()]
        more = f" and {len(counts) - MOST_LABELS:,} more" if len(counts) > MOST_LABELS else ""
        found.append(f"{side.capitalize()} part by label: {'; '.join(counts[:MOST_LABELS])}{more}.")
    return found


def row_counts(content: ReportContent) -> Rows:
    """Return how many rows each part has."""
    return [[PART_TITLES.get(part, part), f"{rows:,}"] for part, rows in content.split.rows.items() if rows]


def options(comparison: Comparison) -> Rows:
    """Return what each candidate ran with: candidate, options, seeds, device, training rows used, forecast, status."""
    return [
        [
            look_of(name).title,
            ", ".join(f"{key.replace('_', ' ')} {_option(value)}" for key, value in candidate.options.items()) or "none",
            ", ".join(str(seed["seed"]) for seed in candidate.per_seed),
            candidate.device.upper(),
            f"{candidate.rows_seen:,}",
            forecast_words(candidate),
            status_words(candidate),
        ]
        for name in keep_first(comparison.strategies)
        for candidate in (comparison.strategies[name],)
    ]  # fmt: skip


def _option(value: Scalar | None) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else value


def seed_head(comparison: Comparison) -> list[str]:
    """Return the titles of the columns of ``seeds``."""
    scores = (comparison.metric.name, "loss")
    titles = [f"{part} {SCORE_NAMES[score]}" for part in parts_of(comparison) for score in scores]
    return ["candidate", "seed", *titles, "training (s)", "status"]


def seeds(comparison: Comparison) -> Rows:
    """Return the scores of every single run."""
    scores = (comparison.metric.name, "loss")
    rows = []
    for name in keep_first(comparison.strategies):
        for seed in comparison.strategies[name].per_seed:
            found = [(seed.get(part) or {}).get(score) for part in parts_of(comparison) for score in scores]
            texts = [
                "–" if value is None else score_text(score, value)
                for score, value in zip(scores * len(parts_of(comparison)), found, strict=True)
            ]
            rows.append(
                [look_of(name).title, str(seed["seed"]), *texts, f"{seed['seconds']:,.1f}", seed["status"]]
            )
    return rows


def sources(content: ReportContent) -> Facts:
    """Return the files that went in and how they were read."""
    spec, schema = content.spec, content.spec.schema
    files = [
        ("Old model", spec.model),
        ("New data", spec.new),
        ("Old data", spec.old),
        ("Holdout file", spec.holdout),
    ]
    facts = [(title, f"{ref.name}, SHA-256 {ref.sha256}") for title, ref in files if ref is not None]
    if spec.old is None:
        facts.append(("Old data", "none: shift and forgetting cannot be measured"))
    facts += [("Label", schema.label), ("Task", schema.task), ("Loss", schema.loss)]
    known = schema.classes[: len(schema.classes) - len(schema.new_classes)]
    for title, names in (("Classes", known), ("New to the model", schema.new_classes)):
        facts += [(title, ", ".join(names))] if names else []
    if schema.fill:
        facts.append(("Gaps", "missing and infinite inputs have the middle value (median) of their column"))
    return [*facts, *_split(spec.split), ("Asked", day(spec.created))]


def _split(split: SplitSettings) -> Facts:
    """Return how rows were held out."""
    facts = [
        ("Held out", f"the latest rows by {split.time}" if split.time is not None else "rows drawn at random")
    ]
    if split.id is not None:
        facts.append(("Kept together", f"rows of one {split.id}"))
    return [*facts, ("Seed of the split", str(split.seed))]


def old_model(content: ReportContent) -> Facts:
    """Return what the old model's file says about itself."""
    card = content.card
    optimizer = card.optimizer or "not saved"
    if card.learning_rate is not None:
        optimizer += f", learning rate {card.learning_rate:g}"
    return [
        ("Name", card.name),
        ("Parameters", f"{card.parameters:,}"),
        ("Inputs", "; ".join(_tensor(spec.name, spec.shape, spec.dtype) for spec in card.inputs)),
        ("Outputs", "; ".join(_tensor(spec.name, spec.shape, spec.dtype) for spec in card.outputs)),
        ("Last activation", card.output_activation or "none or unknown"),
        ("Optimizer", optimizer),
        ("Format", f".{card.format}, written by Keras {card.keras_version}"),
    ]


def _tensor(name: str, shape: tuple[int | None, ...], dtype: str) -> str:
    return f"{name} ({' x '.join('any' if size is None else str(size) for size in shape)}, {dtype})"


def layers(content: ReportContent) -> Rows:
    """Return the old model's layers from input to output."""
    return [
        [
            layer.name,
            layer.class_name,
            layer.summary or "–",
            f"{layer.parameters:,}",
            "yes" if layer.trainable else "no",
        ]
        for layer in content.card.layers
    ]


def machine(content: ReportContent) -> str:
    """Return what there was to compute on; empty if that is not known."""
    found = content.machine
    if found is None:
        return ""
    return f"Machine: {counted(found.cores, 'CPU core')}, {found.memory_mb / 1024:.1f} GB of memory, {', '.join(found.gpus) or 'no GPU'}."
