"""What a candidate costs and brings, in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from retrain_core.compare.cost import Factor, Payoff, Swing, front, scored_by
from retrain_core.compare.score_words import name_of
from retrain_core.strategies.naming import noun
from retrain_core.types import Comparison
from retrain_core.types.text import counted, spanned

FACTORS: Mapping[Factor, str] = {
    "gain": "the gain",
    "value": "the value of a better prediction",
    "a_day": "the predictions a day",
    "days": "the days",
    "an_hour": "the price of an hour",
}
MOST_NAMED = 4  # candidates that a sentence names
FADES = (
    "The gain is that on the new rows, and is taken to stay the same for all days; where the data moves on, it fades. The "
    "cost is that of one training, on the machine it ran on."
)


def money(value: float) -> str:
    """Return an amount with three digits at most, as nobody knows it better.

    >>> money(12345.6), money(-0.01234), money(0.0), money(2.5), money(-1234567.0)
    ('12,300', '−0.0123', '0', '2.5', '−1,230,000')
    """
    rounded = float(f"{value:.3g}")
    text = f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:.10g}"
    return ("0" if float(text.replace(",", "")) == 0 else text).replace("-", "−")


def days_text(days: float) -> str:
    """Return a time in days.

    >>> days_text(3.24), days_text(41.7), days_text(0.2), days_text(1.0)
    ('3.2 days', '42 days', 'less than a day', '1 day')
    """
    if days < 1:
        return "less than a day"
    text = f"{days:,.0f}" if days >= 10 else f"{days:.1f}".removesuffix(".0")
    return f"{text} day" if text == "1" else f"{text} days"


def front_told(comparison: Comparison, score: str) -> str:
    """Return which candidates no other beats, and by what that is judged."""
    names, found = scored_by(comparison, score), comparison.recommendation
    if not names:
        return "No candidate has a score."
    words = front_words(names, front(comparison, score), old=comparison.holdout.old_rows > 0)
    others = [name_of(other) for other in (found.scores if found else ()) if other != score]
    if others:
        words += f" That is by {name_of(score)} alone; the recommendation weighs {_listed(others)} too."
    return words


def payoff_remarks(comparison: Comparison, payoffs: Mapping[str, Payoff], told: str) -> tuple[str, ...]:
    """Return what is to be known of money: what it is counted by, and who brings more than the candidate told about."""
    found, remarks = comparison.recommendation, [FADES]
    if comparison.task != "regression" and found and found.scores != ("accuracy",):
        remarks.append(
            "Money is counted by accuracy alone: what better probabilities are worth is not in it."
        )
    most = max(payoffs, key=lambda name: payoffs[name].net)
    if payoffs[most].net > payoffs[told].net:
        remarks.append(
            f"By money on the new rows alone, {noun(most)} brings more: about {money(payoffs[most].net)}."
        )
    return tuple(remarks)


def front_words(names: Sequence[str], best: Sequence[str], *, old: bool) -> str:
    """Return which candidates no other beats.

    >>> front_words(["keep", "lwf", "replay"], ["keep", "lwf"], old=False)
    'Nothing beats keep or incremental, old answers kept on new rows and training time together.'
    >>> front_words(list("abcdefg"), list("abcde"), old=False)
    'Nothing beats the 5 of 7 candidates that are filled in the chart on new rows and training time together.'
    """
    all_of = f"{'new rows, old rows' if old else 'new rows'} and training time together"
    if set(best) == set(names):
        return f"On {all_of}, no candidate beats another: each is better in something."
    if len(best) > MOST_NAMED:
        return f"Nothing beats the {len(best)} of {len(names)} candidates that are filled in the chart on {all_of}."
    return f"Nothing beats {_listed([noun(name) for name in names if name in best], 'or')} on {all_of}."


def payoff_words(name: str, payoff: Payoff) -> str:
    """Return in one sentence whether a candidate pays, and what it is worth."""
    low, high = payoff.interval
    who, horizon = noun(name).capitalize(), counted(payoff.stakes.days, "day")
    interval = f"(95 %: {spanned(money(low), money(high))})"
    days = payoff.days
    if days is None:
        return f"{who} does not pay back: its net benefit over {horizon} is {money(payoff.net)} {interval}."
    if days > payoff.stakes.days:
        return (
            f"{who} would pay back after about {days_text(days)} only {_between(payoff)}; after {horizon} its net benefit is "
            f"{money(payoff.net)} {interval}."
        )
    back = "from the first day" if payoff.cost == 0 else f"after {_about(days)} {_between(payoff)}"
    doubt = "" if low > 0 else " As the interval tells, it may also bring less than it costs."
    return f"{who} pays back {back} and is worth about {money(payoff.net)} over {horizon} {interval}.{doubt}"


def _between(payoff: Payoff) -> str:
    """Return the 95 % interval of the days until the training has paid, if it can be known that it does."""
    early, late = payoff.days_interval
    assert early is not None  # the gain is above 0, and so is the upper end of its interval
    return f"(95 %: {spanned(days_text(early), 'never' if late is None else days_text(late))})"


def _about(days: float) -> str:
    return days_text(days) if days < 1 else f"about {days_text(days)}"


def swing_words(swings: Sequence[Swing], net: float) -> str:
    """Return what matters most, and whether any factor of two changes the sign of what is left."""
    first = swings[0]
    most = [FACTORS[swing.factor] for swing in swings if math.isclose(swing.effect, first.effect)]
    matter = "matters" if len(most) == 1 and first.factor not in ("a_day", "days") else "matter"
    lead = f"{_listed(most)} {matter} most"
    turning = [FACTORS[swing.factor] for swing in swings if swing.factor != "gain" and swing.turns(net)]
    sign = "a gain into a loss" if net > 0 else "a loss into a gain"
    told = f"half or twice as much of {_listed(turning, 'or')} turns {sign}" if turning else ""
    told = told or f"half or twice as much of what you entered never turns {sign}"
    gain = next(swing for swing in swings if swing.factor == "gain")
    doubt = (
        ", but the gain may be smaller or larger than measured, and that does"
        if gain.turns(net) and not turning
        else ""
    )
    return f"{lead[:1].upper()}{lead[1:]}; {told}{doubt}."


def _listed(names: Sequence[str], last: str = "and") -> str:
    """Return names as a list; some names have a comma of their own.

    >>> _listed(["a", "b", "c"]), _listed(["a"]), _listed(["a, b", "c", "d"])
    ('a, b and c', 'a', 'a, b; c and d')
    """
    comma = "; " if any("," in name for name in names) else ", "
    return names[0] if len(names) == 1 else f"{comma.join(names[:-1])} {last} {names[-1]}"


def paid_words(payoff: Payoff) -> str:
    """Return when a candidate has paid, for a table."""
    return "never" if payoff.days is None else days_text(payoff.days)
