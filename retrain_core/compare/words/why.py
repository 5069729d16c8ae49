"""Why, in order of weight."""

from __future__ import annotations

from collections.abc import Sequence

from retrain_core.compare.basis_words import old_rows, seeds_scored, weighed_rows
from retrain_core.compare.decision import effort
from retrain_core.compare.differences import ends_of, paired
from retrain_core.compare.evidence import Side
from retrain_core.compare.measures import sign_of
from retrain_core.compare.score_words import better_text, gap_text, name_of, range_text
from retrain_core.compare.weighing import INDIFFERENT, as_cheap, new_sides, old_side, one_sided
from retrain_core.compare.words.context import Context
from retrain_core.strategies.naming import noun
from retrain_core.types import CandidateScores, ScoredSide

MOST_NAMED = 3  # rivals that get a reason of their own, one more if it is the only one left


def reasons(context: Context) -> tuple[str, ...]:
    """Return why, in order of weight."""
    return tuple([
        *_gain(context),
        *_others(context),
        *_luck(context),
        *_out_of_bounds(context),
        *_cost(context),
        *_weighed_by(context),
    ])  # fmt: skip


# --- against keep ---------------------------------------------------------------------------------


def _gain(context: Context) -> list[str]:
    """Say how much better the choice is than keep, on the new rows and on the old."""
    if context.choice == "keep":
        return []
    names = weighed_rows(context.evidence, context.wishes)
    found = [
        f"Against keep on {_count(context, weights):,} {names[side]}: {_gains(context, weights)}."
        for side, weights in _sides(context).items()
    ]
    return [*found, *_on_held_out(context)]


def _on_held_out(context: Context) -> list[str]:
    """Say how the held-out old rows differ from those that are weighed, where both are shown."""
    evidence = context.evidence
    if "old" not in evidence.predicted or old_side(evidence, context.wishes) == "old":
        return []
    gaps = {
        score: paired(evidence, context.choice, "keep", {"old": 1.0}, score)
        for score in context.decision.weighing.margins
    }
    told = [
        f"{name_of(score)} is {better_text(score, sign_of(score) * gap.value)}"
        for score, gap in gaps.items()
        if gap.known
    ]
    if not told:
        return []
    return [
        f"On the held-out old rows {', '.join(told)}, but the old model has probably been trained on those too."
    ]


def _sides(context: Context) -> dict[Side, dict[ScoredSide, float]]:
    """Return how much the rows of each part count among the new rows, and among the old."""
    evidence = context.evidence
    rows = {side: len(evidence.held[side].targets) for side in new_sides(evidence)}
    sides: dict[Side, dict[ScoredSide, float]] = {
        "new": {side: count / sum(rows.values()) for side, count in rows.items()}
    }
    if "old" in evidence.predicted:
        sides["old"] = {old_side(evidence, context.wishes): 1.0}
    return sides


def _count(context: Context, weights: dict[ScoredSide, float]) -> int:
    return sum(len(context.evidence.held[side].targets) for side in weights)


def _gains(context: Context, weights: dict[ScoredSide, float]) -> str:
    parts, known = [], False
    for score in context.decision.weighing.margins:
        gap = paired(context.evidence, context.choice, "keep", weights, score)
        sign, known = sign_of(score), known or gap.known
        ends = sorted(sign * end for end in ends_of(gap, score))
        interval = range_text(score, *ends) if gap.known else "too few rows for an interval"
        parts.append(f"{name_of(score)} {better_text(score, sign * gap.value)} ({interval})")
    return ", ".join(parts) + ("; 95 % intervals" if known else "")


# --- against the others ---------------------------------------------------------------------------


def _others(context: Context) -> list[str]:
    decision = context.decision
    others = [name for name in decision.names if name not in (context.choice, *decision.excluded)]
    if context.choice != "keep":
        others = [name for name in others if name != "keep"]  # the first reasons are about it
    nearest = sorted(others, key=lambda name: decision.found.gap(context.choice, name).value)
    named = nearest if len(nearest) <= MOST_NAMED + 1 else nearest[:MOST_NAMED]
    best = max((decision.expected[name] for name in (*others, context.choice)), default=0.0)
    return [*(_against(context, name, best) for name in named), *_rest(context, nearest[len(named) :])]


def _against(context: Context, name: str, best: float) -> str:
    told = [
        f"{name_of(score)} {better_text(score, -context.gain(context.choice, name, score))}"
        for score in context.decision.weighing.margins
    ]
    end = _reading(context, name, best)
    return f"{noun(name).capitalize()}: {', '.join(told)} {_where(context)}; {end}."


def _reading(context: Context, name: str, best: float) -> str:
    """Return how the difference to another candidate is to be read: what was measured first, then what is expected.

    Args:
        context: The choice.
        name: The other candidate.
        best: The most that is expected of any.
    """
    choice, expected = context.choice, context.decision.expected
    lead = context.decision.found.gap(choice, name)
    if context.behind(name):
        return "clearly behind"
    if not lead.known:
        return "too few rows to tell"
    near = min(expected[name], expected[choice]) >= best - INDIFFERENT
    easier = _easier(context, name)
    if near and abs(lead.value) < 1:
        together = (
            f"together {abs(lead.value):.1f} margins, " if len(context.decision.weighing.margins) > 1 else ""
        )
        return f"{together}that hardly matters{easier}"
    if context.ahead(name):
        return "clearly ahead on these rows, but most of that is expected to be luck"
    if near:
        return f"expected to be hardly apart{easier}"
    return "behind, though not clearly" if lead.value > 0 else "ahead, but that may be chance"


def _easier(context: Context, name: str) -> str:
    """Return why the choice is taken before one that is hardly apart, if it is for what it takes."""
    if context.choice == "keep":
        return ", and keep is simpler"
    mine, other = effort(context.scores, [context.choice, name])
    return f", and {noun(context.choice)} is cheaper" if not as_cheap(other, mine) else ""


def _rest(context: Context, names: Sequence[str]) -> list[str]:
    """Count those that no reason of their own is given."""
    if not names:
        return []
    behind = [name for name in names if context.decision.found.gap(context.choice, name).value > 0]
    clearly = sum(context.behind(name) for name in behind)
    told = [
        (len(names) - len(behind), "as good or better as measured"),
        (len(behind) - clearly, "behind, though not clearly"),
        (clearly, "clearly behind"),
    ]
    counts = [(count, words) for count, words in told if count]
    listed = "; ".join(words if len(counts) == 1 else f"{count} {words}" for count, words in counts)
    return [f"{len(names)} others {_where(context)}: {listed}."]


def _where(context: Context) -> str:
    """Return on what rows candidates are weighed."""
    weight = context.wishes.old_weight if "old" in context.evidence.predicted else 0.0
    if 0 < weight < 1:
        return "over all"
    return f"on the {old_rows(context.evidence, context.wishes)}" if weight else "on the new rows"


# --- the rest -------------------------------------------------------------------------------------


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
    mean = ", mean over seeds," if seeds_scored(mine) > 1 else ""
    return [
        f"Training took {_time(mine)}{mean} on {mine.device.upper()} and {mine.peak_memory_mb:,.0f} MB of memory."
    ]


def _time(mine: CandidateScores) -> str:
    alone, took = f"{mine.own_seconds:.1f} s", f"{mine.seconds:.1f} s"
    return took if alone == took else f"{alone} of processor time ({took} beside other runs)"


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
