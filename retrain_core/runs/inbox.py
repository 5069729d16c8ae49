"""What the runner is asked to look at: a file each time that somebody asks, so that nothing is lost that is asked meanwhile."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from retrain_core.files import write_atomic


def ask(root: Path, experiment: str) -> None:
    """Have the runner of the store ``root`` look at an experiment; what it is to find there has to be there by now."""
    write_atomic(root / "inbox" / f"{experiment}.{secrets.token_hex(4)}", b"")


def asked(root: Path) -> dict[str, list[Path]]:
    """Return the files that ask, by the experiment they name, which need not be one; the runner removes them once it has looked."""
    found: dict[str, list[Path]] = {}
    for name in sorted(os.listdir(root / "inbox")):
        if (path := root / "inbox" / name).is_file() and not name.startswith("."):  # else it is being written
            found.setdefault(name.partition(".")[0], []).append(path)
    return found


def is_asked(root: Path, experiment: str) -> bool:
    """Whether the runner is still to look at an experiment."""
    return any(name.partition(".")[0] == experiment for name in os.listdir(root / "inbox"))
