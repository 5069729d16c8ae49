"""Names in a store: ids of experiments and runs, and the folders that they tell."""

from __future__ import annotations

import re
import secrets
import time

ID_PATTERN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4,12}")  # earlier versions made shorter ones
# Begin the ids of a rehearsal, of a probe and of a try of a quick look, and of nothing else.
ESTIMATE, PROBE, QUICK = "estimate_", "probe_", "quick_"
FOLDERS = {ESTIMATE: "estimates", PROBE: "diagnosis", QUICK: "quick"}
BESIDE = "|".join(FOLDERS)
RUN_PATTERN = re.compile(rf"({BESIDE})?(?!{BESIDE})([a-z][a-z0-9_]*)-([0-9]+)")


def new_id() -> str:
    """Return an id that sorts by time and that nobody else gets, such as ``20260131-235959-0a1b2c3d4e5f``."""
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(6)}"


def is_estimate(run: str) -> bool:
    """Whether an id is that of a rehearsal."""
    return run.startswith(ESTIMATE)


def is_probe(run: str) -> bool:
    """Whether an id is that of a probe."""
    return run.startswith(PROBE)


def is_quick(run: str) -> bool:
    """Whether an id is that of a try of a quick look."""
    return run.startswith(QUICK)


def is_beside(run: str) -> bool:
    """Whether an id is that of work beside the runs, such as a rehearsal, which goes away if the question changes."""
    return run.startswith(tuple(FOLDERS))


def strategy_of(run: str) -> str:
    """Return the strategy in the id of a run or of a rehearsal.

    >>> strategy_of("fine_tune-0"), strategy_of("estimate_fine_tune-123")
    ('fine_tune', 'fine_tune')
    """
    name = RUN_PATTERN.fullmatch(run)
    return name[2] if name else ""
