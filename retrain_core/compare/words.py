"""The recommendation in words: one sentence, the reasons by weight, what would change it, and what is doubtful."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrain_core.compare.decision import Decision
from retrain_core.compare.differences import more_rows, paired
from retrain_core.compare.evidence import SIDES, Evidence, Side
from retrain_core.compare.intervals import Z95
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import better_text, gap_text, name_of, range_text, score_text
from retrain_core.compare.weighing import (
    INDIFFERENT,
    new_sides,
    old_side,
    one_sided,
)
from retrain_core.strategies.naming import noun, title
from retrain_core.types import CandidateScores, Level, Wishes

MOST_RIVALS = 2  # that a sentence names
MOST_NAMED = 3  # rivals that get a reason of their own, one more if it is the only one left
UNSTABLE = 0.8  # share of draws below which the choice is told to hang on luck


@dataclass(frozen=True)
class Context:
    """What there is to say something about; ``rivals`` may be materially better than the choice."""

    evidence: Evidence
    scores: Mapping[str, CandidateScores]
    wishes: Wishes
    level: Level | None
    decision: Decision
    rivals: Sequence[str]

    @property
    def choice(self) -> str:
        """The candidate to take."""
        return self.decision.choice

    @property
    def main(self) -> str:
        """The score that is told first: the one that candidates are weighed by, accuracy if it is among them."""
        return next(iter(self.decision.weighing.margins))

    def value(self, name: str, side: Side, score: str) -> float:
        """Return a candidate's score on one part of the holdout."""
        return float(self.evidence.values(side, score)[name].mean())

    def gain(self, name: str, base: str, score: str) -> float:
        """Return how much better a candidate is over all rows that are weighed."""
        return sign_of(score) * paired(self.evidence, name, base, self.decision.weighing.weights, score).value


# --- one sentence ---------------------------------------------------------------------------------


def summary(context: Context) -> str:
    """Return what to do, what it brings, and what could still turn out otherwise."""
    if context.choice == "keep":
        return _keep(context)
    sentence = f"{title(context.choice)}: {_before_and_after(context)}"
    return f"{sentence}{_doubt(context.rivals)}"


def _before_and_after(context: Context) -> str:
    """Return the scores before and after: the first, and another one if the first hardly changes."""
    parts = [_goes(context, context.main)]
    margins = context.decision.weighing.margins
    first = abs(context.gain(context.choice, "keep", context.main))
    if len(margins) > 1 and first <= margins[context.main]:
        other = max(margins, key=lambda score: context.gain(context.choice, "keep", score) / margins[score])
        parts += [_goes(context, other)] if other != context.main else []
    return "; ".join(parts)


def _goes(context: Context, score: str) -> str:
    told = []
    for side in SIDES:
        if side in context.evidence.predicted:
            before, after = (
                score_text(score, context.value(name, side, score)) for name in ("keep", context.choice)
            )
            goes = f"stays at {before}" if before == after else f"goes from {before} to {after}"
            told.append((goes, "on the new rows" if side == "new" else "on the old"))
    return f"{name_of(score)} " + " and ".join(
        f"{goes.removeprefix('goes ') if number and told[0][0].startswith('goes') else goes} {where}"
        for number, (goes, where) in enumerate(told)
    )  # fmt: skip


def _keep(context: Context) -> str:
    decision, score = context.decision, context.main
    now = f"its {name_of(score)} on the new rows is {score_text(score, context.value('keep', 'new', score))}"
    allowed = [name for name in decision.names[1:] if name not in decision.excluded]
    if not allowed:
        why = "every other candidate breaks a limit" if decision.excluded else "nothing else has a score"
        return f"Keep the old model: {why}; {now}."
    top = max(allowed, key=lambda name: decision.gaps[name].value)
    gap = decision.gaps[top]
    if gap.value <= INDIFFERENT:
        return f"Keep the old model: no candidate is materially better; {now}{_doubt(context.rivals)}"
    if max(abs(decision.gaps[name].value) + Z95 * decision.gaps[name].error for name in allowed) < 1:
        return f"Keep the old model: the candidates make no material difference; {now}."
    unmoved = "the data has not moved and " if context.level == "none" else ""
    looks = better_text(score, context.gain(top, "keep", score))
    if not looks.endswith("better"):
        looks = "better"
    return f"Keep the old model for now: {unmoved}that {noun(top)} looks {_by(looks)} may be chance; {now}."


def _by(looks: str) -> str:
    """Return a gain after "looks".

    >>> _by("1.2 points better"), _by("better")
    ('better by 1.2 points', 'better')
    """
    gap = looks.removesuffix("better").strip()
    return f"better by {gap}" if gap else "better"


def _doubt(rivals: Sequence[str]) -> str:
    """Return how the sentence ends: what could still turn out otherwise."""
    if not rivals:
        return "."
    if len(rivals) > MOST_RIVALS:  # names of several words, some with a comma, are no list to read
        return f"; {len(rivals)} others cannot be ruled out."
    return f"; {' or '.join(noun(name) for name in rivals)} cannot be ruled out."


# --- reasons --------------------------------------------------------------------------------------


def reasons(context: Context) -> tuple[str, ...]:
    """Return why, in order of weight."""
    return tuple([
        *_gain(context),
        *_rivals(context),
        *_luck(context),
        *_out_of_bounds(context),
        *_cost(context),
        *_weighed_by(context),
    ])  # fmt: skip


def _gain(context: Context) -> list[str]:
    """Say how much better the choice is than keep, on the new rows and on the old."""
    if context.choice == "keep":
        return []
    found, weighing = [], context.decision.weighing
    new = {side: 1.0 for side in new_sides(context.evidence)}
    rows = {side: len(context.evidence.held[side].targets) for side in new}
    sides = {"new": {side: rows[side] / sum(rows.values()) for side in new}}
    if "old" in context.evidence.predicted:
        sides["old"] = {old_side(context.evidence, context.wishes): 1.0}
    for name, weights in sides.items():
        count = sum(len(context.evidence.held[side].targets) for side in weights)
        parts = []
        for score in weighing.margins:
            gap = paired(context.evidence, context.choice, "keep", weights, score)
            sign = sign_of(score)
            low, high = sorted(sign * end for end in gap.interval)
            parts.append(
                f"{name_of(score)} {better_text(score, sign * gap.value)} ({range_text(score, low, high)})"
            )
        found.append(
            f"Against keep on {count:,} {name} rows{_which(context, name)}: {', '.join(parts)}; 95 % intervals."
        )
    return found


def _which(context: Context, name: str) -> str:
    """Return which rows are weighed, where they are others than those of the holdout."""
    if name == "new" and len(new_sides(context.evidence)) > 1:
        return " (the holdout, and those that only tell when to stop)"
    if name == "old" and old_side(context.evidence, context.wishes) == "trained":
        return " that the old model and retraining have both seen"
    return ""


def _rivals(context: Context) -> list[str]:
    decision = context.decision
    where = _where(context.wishes.old_weight if "old" in context.evidence.predicted else 0.0)
    others = [name for name in decision.names if name not in (context.choice, *decision.excluded)]
    if context.choice != "keep":
        others = [name for name in others if name != "keep"]  # the first reasons are about it
    gaps = {name: decision.found.gap(context.choice, name) for name in others}
    nearest = sorted(others, key=lambda name: gaps[name].value)
    named = nearest if len(nearest) <= MOST_NAMED + 1 else nearest[:MOST_NAMED]
    best = max(decision.expected[name] for name in (*others, context.choice)) if others else 0.0
    reasons = []
    for name in named:
        gap = gaps[name]
        told = [
            f"{name_of(score)} {better_text(score, -context.gain(context.choice, name, score))}"
            for score in decision.weighing.margins
        ]
        if min(decision.expected[name], decision.expected[context.choice]) >= best - INDIFFERENT:
            luck = gap.value <= -1 or gap.value >= 1  # by more than matters, were it not for luck
            hardly = "expected to be hardly apart" if luck else "that hardly matters"
            end = f"{hardly}, and {noun(context.choice)} is {'simpler' if context.choice == 'keep' else 'cheaper'}"
        elif gap.value > 0:
            end = "clearly behind" if gap.value - Z95 * gap.error > 0 else "behind, though not clearly"
        else:
            end = "ahead, but that may be chance"
        reasons.append(f"{noun(name).capitalize()}: {', '.join(told)} {where}; {end}.")
    rest = nearest[len(named) :]
    if rest:
        clearly = sum(gaps[name].value - Z95 * gaps[name].error > 0 for name in rest)
        reasons.append(f"{len(rest)} others {where}: behind, {clearly} of them clearly.")
    return reasons


def _where(old_weight: float) -> str:
    """Return on what rows candidates are weighed."""
    if 0 < old_weight < 1:
        return "over all"
    return "on the old rows" if old_weight else "on the new rows"


def _luck(context: Context) -> list[str]:
    """Say how much of the gain is expected to be luck, where that is much."""
    name, decision = context.choice, context.decision
    if name == "keep":
        if context.level != "none":
            return []
        return ["The data has not moved, so only a gain far beyond chance would replace the old model."]
    found, expected = decision.gaps[name].value, decision.expected[name]
    if found <= 0 or expected > 0.8 * found:
        return []
    return [
        f"About {100 * (1 - expected / found):.0f} % of the gain is expected to be luck of the rows; it was weighed without."
    ]


def _out_of_bounds(context: Context) -> list[str]:
    return [f"{noun(name).capitalize()} is out: {why}." for name, why in context.decision.excluded.items()]


def _cost(context: Context) -> list[str]:
    mine = context.scores[context.choice]
    if context.choice == "keep":
        return []
    return [
        f"Training took {mine.seconds:.1f} s on {mine.device.upper()}{', which other runs shared,' if mine.shared else ''} "
        f"and {mine.peak_memory_mb:,.0f} MB of memory."
    ]


def _weighed_by(context: Context) -> list[str]:
    """Say what candidates are weighed by, where that is not what everybody expects."""
    margins = context.decision.weighing.margins
    if context.wishes.score is None and one_sided(context.evidence):
        return [
            "Candidates are weighed by log-loss: nearly all rows have the same label, so accuracy alone would mislead."
        ]
    if len(margins) > 1:
        counts = " as much as ".join(
            f"{gap_text(score, margin)} of {name_of(score)}" for score, margin in margins.items()
        )
        return [
            f"Candidates are weighed by {' and '.join(name_of(score) for score in margins)} together: {counts}."
        ]
    return []


# --- what would change it, and doubts -------------------------------------------------------------


def changes(
    context: Context, by_weight: Mapping[float, str], unlimited: Mapping[str, str]
) -> tuple[str, ...]:
    """Return what would change the choice.

    Args:
        context: The choice.
        by_weight: The choice at each weight of the old rows.
        unlimited: The choice without a limit, by the limit's field.
    """
    found = [
        f"If the old rows count {_weights(run)}, {_lower(title(name))}."
        for name, run in _runs(by_weight)
        if name != context.choice
    ]
    limits = {
        "most_seconds": "Without the limit on time",
        "most_forgetting": "Without the limit on forgetting",
    }
    found += [
        f"{limits[limit]}, {_lower(title(name))}."
        for limit, name in unlimited.items()
        if name != context.choice
    ]
    return tuple(found)


def _runs(by_weight: Mapping[float, str]) -> list[tuple[str, list[float]]]:
    """Return the choices with the weights next to each other at which they hold."""
    runs: list[tuple[str, list[float]]] = []
    for weight, name in by_weight.items():
        if runs and runs[-1][0] == name:
            runs[-1][1].append(weight)
        else:
            runs.append((name, [weight]))
    return runs


def _weights(run: Sequence[float]) -> str:
    """Return weights next to each other in words.

    >>> _weights([0.0, 0.05, 0.1]), _weights([0.9, 1.0]), _weights([0.5]), _weights([0.4, 0.5]), _weights([0.0])
    ('10 % or less', '90 % or more', '50 %', '40 % to 50 %', 'nothing')
    """
    low, high = (f"{100 * end:.0f} %" for end in (run[0], run[-1]))
    if run[0] == 0:
        return f"{high} or less" if run[-1] > 0 else "nothing"
    if run[-1] == 1:
        return f"{low} or more" if run[0] < 1 else "alone"
    return f"{low} to {high}" if low != high else low


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def doubts(context: Context) -> tuple[str, ...]:
    """Return what makes the choice doubtful."""
    found = [*_too_few(context), *_seen(context)]
    scores = context.scores
    if max(len(candidate.per_seed) for candidate in scores.values()) == 1:
        found.append("One seed a strategy: how much luck of the seed matters is not known; five would tell.")
    stopped = [noun(name) for name, one in scores.items() if one.status == "stopped" and one.new]
    if stopped:
        found.append(f"Stopped before the end, scored with what it had: {', '.join(stopped)}.")
    failed = [noun(name) for name, one in scores.items() if one.new is None]
    if failed:
        found.append(f"Without a score: {', '.join(failed)}.")
    return tuple(found)


def _too_few(context: Context) -> list[str]:
    """Say how many more rows would settle it, if a rival cannot be ruled out."""
    rivals = [name for name in context.rivals if name != context.choice]
    if not rivals:
        return []
    rows = {side: len(context.evidence.held[side].targets) for side in context.decision.weighing.weights}
    gap = context.decision.found.gap(rivals[0], context.choice)
    more = more_rows(gap, sum(rows.values()), 1.0)
    would = f"; about {more:,} more would do" if more else ""
    if gap.seeds > gap.rows:
        would = "; more seeds would do more than more rows"
    return [f"{sum(rows.values()):,} rows do not tell whether {noun(rivals[0])} is better{would}."]


def _seen(context: Context) -> list[str]:
    if "old" not in context.evidence.predicted or not context.wishes.old_seen:
        return []
    if old_side(context.evidence, context.wishes) == "trained":
        return [
            "The old model has probably been trained on the old rows of the holdout, which flatters it there; old rows are "
            "weighed on those that retraining has been trained on too."
        ]
    return [
        "The old model has probably been trained on the old rows of the holdout, which flatters it there."
    ]
