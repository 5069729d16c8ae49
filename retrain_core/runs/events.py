"""What workers have told so far, as far as it makes sense."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from retrain_core.runs.from_worker import MOST_EVENTS, read_begin
from retrain_core.types import RunEvent

MOST_TEXT = 500
MOST_NUMBER = 3.5e38  # the largest that a model can tell, in 32 bits


def read_events(path: Path) -> list[RunEvent]:
    """Return the events written so far.

    A line that is still being written is left for the next time; one that was cut off, by a full disk, is passed over. So is
    one whose values are not of the kind that the event has, and all behind the first ``MOST_EVENTS`` bytes.
    """
    whole, _, _ = read_begin(path, MOST_EVENTS).rpartition(b"\n")
    events = []
    for line in whole.split(b"\n"):
        with contextlib.suppress(ValueError, RecursionError):
            event = msgspec.json.decode(line, type=RunEvent)
            if SOUND.get(event.kind, _anything)(event.values):
                events.append(event)
    return events


def _anything(values: Mapping[str, Any]) -> bool:
    return True


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= MOST_NUMBER


def _is_progress(values: Mapping[str, Any]) -> bool:
    rest = [value for name, value in values.items() if name not in ("progress", "label")]
    share, label = values.get("progress", 0.0), values.get("label", "")
    return (
        _is_number(share) and 0 <= share <= 1 and _is_text(label)
        and all(value is None or _is_number(value) or _is_text(value) for value in rest)
    )  # fmt: skip


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MOST_TEXT


def _is_point(values: Mapping[str, Any]) -> bool:
    rows = values.get("rows_seen", -1)
    return (
        _is_number(rows) and rows >= 0
        and all(value is None or _is_number(value) for value in values.values())
    )  # fmt: skip


def _is_notice(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("text"), str)


def _is_start(values: Mapping[str, Any]) -> bool:
    return _is_number(values.get("seconds", 0.0))


SOUND: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "started": _is_start,
    "progress": _is_progress,
    "epoch": _is_point,
    "notice": _is_notice,
}
