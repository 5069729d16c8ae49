"""What strategies are called in sentences."""

from __future__ import annotations

from retrain_core.strategies import STRATEGIES


def title(name: str) -> str:
    """Return what doing ``name`` is called in a sentence.

    >>> title("incremental"), title("keep")
    ('Train incrementally', 'Keep the old model')
    """
    return STRATEGIES[name].advice if name in STRATEGIES else name.replace("_", "-").capitalize()


def noun(name: str) -> str:
    """Return the strategy's name inside a sentence.

    >>> noun("full_retrain"), noun("fine_tune")
    ('full retrain', 'fine-tune')
    """
    text = STRATEGIES[name].title if name in STRATEGIES else name.replace("_", " ")
    return text[:1].lower() + text[1:]
