"""JSON from a model file, parsed within limits."""

from __future__ import annotations

import json
from typing import Any

from retrain_core.errors import ModelError
from retrain_core.models.wording import SAVE_AGAIN

Json = dict[str, Any]

MAX_DEPTH = 100


def parse_json(text: bytes | str, what: str) -> Json:
    """Return the JSON object in ``text``.

    Args:
        text: UTF-8.
        what: What it is, for messages, such as ``config.json``.

    Raises:
        ModelError: If it is not a JSON object, nests too deep, or names one key twice.
    """
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(decoded, object_pairs_hook=_unique_keys)
    except RecursionError as error:  # Python's reader stops long before its stack ends
        raise _too_deep(what) from error
    except ValueError as error:
        raise ModelError(f"The model's {what} is not valid JSON.", f"{error}.", SAVE_AGAIN) from error
    _check_depth(value, what)
    if not isinstance(value, dict):
        raise ModelError(
            f"The model's {what} does not describe a model.", "It is not a JSON object.", SAVE_AGAIN
        )
    return value


def _check_depth(value: Any, what: str) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below = (
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, (dict, list))
        )
        level = [item for items in below for item in items]
        if not level:
            return
    raise _too_deep(what)


def _too_deep(what: str) -> ModelError:
    return ModelError(
        f"The model's {what} nests more than {MAX_DEPTH} levels deep.",
        "No real network does; it could exhaust the reader.",
        SAVE_AGAIN,
    )


def _unique_keys(pairs: list[tuple[str, Any]]) -> Json:
    """Return the pairs as a dictionary; two readers could disagree on a key given twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("An object has the same key twice")
    return found
