"""What to do, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from retrain_core.compare.evidence import SIDES, Side
from retrain_core.compare.intervals import Z95
from retrain_core.compare.score_words import better_text, name_of, score_text
from retrain_core.compare.weighing import INDIFFERENT
from retrain_core.compare.words.context import Context
from retrain_core.strategies.naming import noun, title

MOST_RIVALS = 2  # that a sentence names


def summary(context: Context) -> str:
    """Return what to do, what it brings, and what could still turn out otherwise."""
    if context.choice == "keep":
        return _keep(context)
    sentence = f"{title(context.choice)}: {_before_and_after(context)}"
    return f"{sentence}{_doubt(context.rivals)}"


def _before_and_after(context: Context) -> str:
    """Return the scores before and after: the first, and another one if the first hardly changes."""
    margins = context.decision.weighing.margins
    first = abs(context.gain(context.choice, "keep", context.main))
    if len(margins) > 1 and first <= margins[context.main]:
        other = max(margins, key=lambda score: context.gain(context.choice, "keep", score) / margins[score])
        if other != context.main:
            return _both_go(context, context.main, other)
    return _goes(context, context.main)


def _both_go(context: Context, first: str, second: str) -> str:
    return "; ".join(
        f"on the held-out {side} rows {name_of(first)} {_change(context, side, first)} and "
        f"{name_of(second)} {_change(context, side, second)}"
        for side in SIDES
        if side in context.evidence.predicted
    )


def _change(context: Context, side: Side, score: str) -> str:
    before, after = (score_text(score, context.value(name, side, score)) for name in ("keep", context.choice))
    return f"stays at {before}" if before == after else f"goes from {before} to {after}"


def _goes(context: Context, score: str) -> str:
    told = [
        (
            _change(context, side, score),
            "on the held-out new rows" if side == "new" else "on the held-out old ones",
        )
        for side in SIDES
        if side in context.evidence.predicted
    ]
    return f"{name_of(score)} " + " and ".join(
        f"{goes.removeprefix('goes ') if number and told[0][0].startswith('goes') else goes} {where}"
        for number, (goes, where) in enumerate(told)
    )  # fmt: skip


def _keep(context: Context) -> str:
    decision, score = context.decision, context.main
    now = f"its {name_of(score)} on the held-out new rows is {score_text(score, context.value('keep', 'new', score))}"
    allowed = [name for name in decision.names[1:] if name not in decision.excluded]
    if not allowed:
        why = "every other candidate breaks a limit" if decision.excluded else "nothing else has a score"
        return f"Keep the old model: {why}; {now}."
    top = max(allowed, key=lambda name: decision.gaps[name].value)
    if decision.gaps[top].value <= INDIFFERENT:
        return f"Keep the old model: no candidate is materially better; {now}{_doubt(context.rivals)}"
    if max(abs(decision.gaps[name].value) + Z95 * decision.gaps[name].error for name in allowed) < 1:
        return f"Keep the old model: the candidates make no material difference; {now}."
    return f"Keep the old model for now: {_no_reason_to_change(context, top)}; {now}."


def _no_reason_to_change(context: Context, top: str) -> str:
    """Return why the old model is kept although a candidate looks materially better."""
    looks = better_text(context.main, context.gain(top, "keep", context.main))
    looks = looks if looks.endswith("better") else "better"
    if context.level == "none":
        if context.ahead(top):
            return f"{noun(top)} looks {looks}, but where the data has not moved such a gain is usually luck"
        return f"the data has not moved and that {noun(top)} looks {looks} may be chance"
    return f"that {noun(top)} looks {looks} may be chance"


def _doubt(rivals: Sequence[str]) -> str:
    """Return how the sentence ends: what could still turn out otherwise."""
    if not rivals:
        return "."
    if len(rivals) > MOST_RIVALS:  # names of several words, some with a comma, are no list to read
        return f"; {len(rivals)} others cannot be ruled out."
    return f"; {' or '.join(noun(name) for name in rivals)} cannot be ruled out."
