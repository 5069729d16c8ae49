"""Scores and differences of scores as people read them."""

from __future__ import annotations

import math

from retrain_core.compare.measures import SCORES
from retrain_core.types.text import spanned

IN_UNITS = ("mae", "rmse")  # of the label
OF_ANY_SIZE = (*IN_UNITS, "loss")  # in the label's units, or a loss that may be of any kind
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
    """Return a score, zeros at its end too: it stands beside others.

    >>> score_text("accuracy", 0.7123), score_text("loss", 0.22), score_text("mae", 12.3456), score_text("mae", 27050.0)
    ('71.2 %', '0.2200', '12.35', '27,050')
    """
    return f"{100 * value:.1f} %" if score in IN_PERCENT else decimal(value, score, digits=4, zeros=True)


def decimal(value: float, score: str, *, digits: int, sign: str = "", zeros: bool = False) -> str:
    """Return a number with about so many digits that tell, never with an exponent; errors of numbers may be of any size.

    Zeros at its end are left out unless they are asked for.

    >>> decimal(8260.4, "mae", digits=3), decimal(-0.0000243, "log_loss", digits=3), decimal(0.0000243, "mae", digits=3)
    ('8,260', '0', '0.0000243')
    """
    if not math.isfinite(value):
        return f"{value:{sign}}"
    most = 12 if score in OF_ANY_SIZE else 4
    size = math.floor(math.log10(abs(value))) if value else 0
    places = min(max(0, digits - 1 - size), most)
    text = f"{round(value, places) + 0.0:{sign},.{places}f}"
    return text if zeros or "." not in text else text.rstrip("0").rstrip(".")


def score_range_text(score: str, low: float, high: float) -> str:
    """Return the ends of a score's interval.

    >>> score_range_text("accuracy", 0.612, 0.7), score_range_text("loss", 0.41234, 0.5)
    ('61.2 to 70.0 %', '0.4123 to 0.5000')
    >>> score_range_text("accuracy", 1.0, 1.0)
    '100.0 %'
    """
    start, end = score_text(score, low), score_text(score, high)
    return end if start == end else f"{start.removesuffix(' %')} to {end}"


def gap_text(score: str, value: float) -> str:
    """Return the size of a difference.

    >>> gap_text("accuracy", -0.0123), gap_text("log_loss", -0.0123)
    ('1.2 points', '0.0123')
    """
    return f"{100 * abs(value):.1f} points" if score in IN_PERCENT else decimal(abs(value), score, digits=3)


def signed(score: str, value: float) -> str:
    """Return a difference with its sign and without its unit, nothing as plus nothing.

    >>> signed("accuracy", 0.0123), signed("mae", -3.5), signed("accuracy", -0.0001)
    ('+1.2', '−3.5', '+0.0')
    """
    text = decimal(value, score, digits=3, sign="+")
    if score in IN_PERCENT:
        text = f"{round(100 * value, 1) + 0.0:+.1f}"
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
    return f"{spanned(signed(score, low), signed(score, high))}{_points(score)}"


def _points(score: str) -> str:
    return " points" if score in IN_PERCENT else ""


def better_text(score: str, gain: float) -> str:
    """Return a gain with its word.

    >>> better_text("accuracy", 0.0123), better_text("log_loss", -0.01), better_text("accuracy", 0.0)
    ('1.2 points better', '0.01 worse', 'as good')
    """
    if not gap_text(score, gain).strip("0., points"):
        return "as good"
    return f"{gap_text(score, gain)} {'better' if gain > 0 else 'worse'}"
