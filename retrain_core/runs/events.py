"""What workers have told so far, as far as it makes sense."""

from __future__ import annotations

import contextlib
import io
from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from retrain_core.runs.from_worker import MOST_EVENTS, read_begin
from retrain_core.types import RunEvent

MOST_TEXT = 500
MOST_NOTICE = 5_000  # letters
MOST_NUMBER = 3.5e38  # the largest that a model can tell, in 32 bits
MOST_LINES = 1_000_000  # three days of training have a tenth of it
MOST_LINE = 65_536  # bytes
MOST_TOLD = 20_000  # lines that tell anything but progress
PROGRESS = b'"kind":"progress"'
LATEST = 8  # lines of progress to look through for one that makes sense


def read_events(path: Path) -> list[RunEvent]:
    """Return the events written so far; of progress, which a day of training tells some 50,000 times, the latest only.

    A line that is still being written is left for the next time; one that was cut off, by a full disk, is passed over. So is
    one that is too long, or whose values are not of the kind that the event has, and all behind the first ``MOST_EVENTS``
    bytes, ``MOST_LINES`` lines or ``MOST_TOLD`` events.
    """
    events: list[RunEvent] = []
    progress: deque[tuple[int, bytes]] = deque(maxlen=LATEST)  # each with its place among the other events
    left = MOST_TOLD
    for line in islice(io.BytesIO(read_begin(path, MOST_EVENTS)), MOST_LINES):
        if len(line) > MOST_LINE or not line.endswith(b"\n"):
            continue
        if PROGRESS in line:
            progress.append((len(events), line))
        elif left > 0:
            left -= 1
            events += _sound(line)
    for place, line in reversed(progress):
        if found := _sound(line):
            events[place:place] = found
            break
    return events


def _sound(line: bytes) -> list[RunEvent]:
    """Return the event of a line, none if it makes no sense."""
    with contextlib.suppress(ValueError, RecursionError):
        event = msgspec.json.decode(line, type=RunEvent)
        if SOUND.get(event.kind, _anything)(event.values):
            return [event]
    return []


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
    text = values.get("text")
    return isinstance(text, str) and len(text) <= MOST_NOTICE


def _is_start(values: Mapping[str, Any]) -> bool:
    return _is_number(values.get("seconds", 0.0))


SOUND: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "started": _is_start,
    "progress": _is_progress,
    "epoch": _is_point,
    "notice": _is_notice,
}
