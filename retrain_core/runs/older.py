"""Files of the store as earlier versions wrote them, brought into today's form."""

from __future__ import annotations

from typing import Any

from retrain_core.types import from_json, to_json


def renewed_question(text: bytes) -> bytes:
    """Return a question as it is written now; version 0.1.0 knew one label column, and of the split only its seed.

    >>> from_json(renewed_question(b'{"schema": {"label": "y"}, "split_seed": 3}'), dict)
    {'schema': {'labels': ['y']}, 'split': {'seed': 3}}
    """
    question = from_json(text, dict[str, Any])
    schema = question.get("schema")
    if isinstance(schema, dict) and "label" in schema:
        schema["labels"] = [schema.pop("label")]
    if "split_seed" in question:
        question["split"] = {"seed": question.pop("split_seed")}
    return to_json(question)


def renewed_split(text: bytes) -> bytes:
    """Return how rows were split as it is written now; before, only the new part of the holdout was counted by label.

    >>> from_json(renewed_split(b'{"holdout": {}, "held_labels": {"a": 3}}'), dict)
    {'holdout': {'labels': {'new': {'a': 3}}}}
    """
    split = from_json(text, dict[str, Any])
    if "held_labels" in split:
        split["holdout"]["labels"] = {"new": split.pop("held_labels")}
    return to_json(split)
