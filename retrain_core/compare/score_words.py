"""Scores and differences of scores as people read them."""

from __future__ import annotations

from retrain_core.compare.measures import SCORES

IN_PERCENT = ("accuracy", "balanced_accuracy")
KEEPS_CAPITALS = ("auroc", "auprc", "f1", "r2", "brier", "ece")


def name_of(score: str) -> str:
    """Return what a score is called inside a sentence.

    >>> name_of("mae"), name_of("log_loss"), name_of("auroc")
    ('mean absolute error', 'log-loss', 'AUROC')
    """
    title = SCORES[score].title
    return title if score in KEEPS_CAPITALS else title[:1].lower() + title[1:]


def score_text(score: str, value: float) -> str:
    """Return a score.

    >>> score_text("accuracy", 0.7123), score_text("loss", 0.41234), score_text("mae", 12.3456)
    ('71.2 %', '0.4123', '12.35')
    """
    return f"{100 * value:.1f} %" if score in IN_PERCENT else f"{value:.4g}"


def score_range_text(score: str, low: float, high: float) -> str:
    """Return the ends of a score's interval.

    >>> score_range_text("accuracy", 0.612, 0.7), score_range_text("loss", 0.41234, 0.5)
    ('61.2 to 70.0 %', '0.4123 to 0.5')
    """
    return f"{score_text(score, low).removesuffix(' %')} to {score_text(score, high)}"


def gap_text(score: str, value: float) -> str:
    """Return the size of a difference.

    >>> gap_text("accuracy", -0.0123), gap_text("log_loss", -0.0123)
    ('1.2 points', '0.0123')
    """
    return f"{100 * abs(value):.1f} points" if score in IN_PERCENT else f"{abs(value):.3g}"


def signed(score: str, value: float) -> str:
    """Return a difference with its sign and without its unit, nothing as plus nothing.

    >>> signed("accuracy", 0.0123), signed("mae", -3.5), signed("accuracy", -0.0001)
    ('+1.2', '−3.5', '+0.0')
    """
    text = f"{round(100 * value, 1) + 0.0:+.1f}" if score in IN_PERCENT else f"{value + 0.0:+.3g}"
    return text.replace("-", "−")


def gain_text(score: str, value: float) -> str:
    """Return a difference with its sign and unit.

    >>> gain_text("accuracy", 0.0123), gain_text("mae", -3.5)
    ('+1.2 points', '−3.5')
    """
    return f"{signed(score, value)}{_points(score)}"


def range_text(score: str, low: float, high: float) -> str:
    """Return the ends of a difference's interval.

    >>> range_text("accuracy", -0.001, 0.0224), range_text("log_loss", 0.01, 0.044)
    ('−0.1 to +2.2 points', '+0.01 to +0.044')
    """
    return f"{signed(score, low)} to {signed(score, high)}{_points(score)}"


def _points(score: str) -> str:
    return " points" if score in IN_PERCENT else ""


def better_text(score: str, gain: float) -> str:
    """Return a gain with its word.

    >>> better_text("accuracy", 0.0123), better_text("log_loss", -0.01), better_text("accuracy", 0.0)
    ('1.2 points better', '0.01 worse', 'as good')
    """
    if gap_text(score, gain) == gap_text(score, 0.0):
        return "as good"
    return f"{gap_text(score, gain)} {'better' if gain > 0 else 'worse'}"
