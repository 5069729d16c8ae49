"""How much a store, and a file in it, may hold. Each limit is a setting: an environment variable of its name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from retrain_core.errors import FileError, StoreError


@dataclass(frozen=True)
class Setting:
    """A number that whoever runs the app can change.

    Args:
        name: The environment variable.
        default: What holds without it.
        unit: What is counted.
    """

    name: str
    default: float
    unit: str

    @property
    def value(self) -> float:
        """What holds now.

        Raises:
            StoreError: If the variable holds no number above 0.
        """
        text = os.environ.get(self.name, "").strip()
        try:
            number = float(text or self.default)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise StoreError(
                f"The setting {self.name} cannot be used.",
                f"It is '{text}', and has to be a number of {self.unit} above 0.",
                f"Set it to a number such as {self.default:.0f}, or take it away, then start again.",
            )
        return number


MOST_EXPERIMENTS = Setting("RETRAIN_MOST_EXPERIMENTS", 1_000, "experiments")
MOST_DISK_GB = Setting("RETRAIN_MOST_DISK_GB", 100, "GB")
MOST_UPLOAD_MB = Setting("RETRAIN_MOST_UPLOAD_MB", 1_024, "MB")
MOST_ROWS = Setting("RETRAIN_MOST_ROWS", 20_000_000, "rows")
MOST_COLUMNS = Setting("RETRAIN_MOST_COLUMNS", 20_000, "columns")
BIN_DAYS = Setting("RETRAIN_BIN_DAYS", 30, "days")
MOST_MEMORY = Setting("RETRAIN_MOST_MEMORY_PERCENT", 80, "percent of the machine's memory")  # of one worker
MOST_RUN_GB = Setting("RETRAIN_MOST_RUN_GB", 20, "GB")  # that one worker may write
MOST_RUN_HOURS = Setting("RETRAIN_MOST_RUN_HOURS", 72, "hours")
SETTINGS = (
    MOST_EXPERIMENTS,
    MOST_DISK_GB,
    MOST_UPLOAD_MB,
    MOST_ROWS,
    MOST_COLUMNS,
    MOST_MEMORY,
    MOST_RUN_GB,
    MOST_RUN_HOURS,
    BIN_DAYS,
)
MOST_MODEL_BYTES = (
    2_000_000_000  # that the members of a model file unpack to; no setting, as it is a bound of safety
)
MB, GB = 1024**2, 1024**3


def check_settings() -> None:
    """Refuse to begin anything while a setting cannot be used: a process that found out later could tell nobody.

    Raises:
        StoreError: With the setting.
    """
    for setting in SETTINGS:
        setting.value  # noqa: B018


def check_size(size: int, name: str) -> None:
    """Refuse a file of more bytes than an upload may have.

    Raises:
        FileError: With the setting that allows more.
    """
    if size > MOST_UPLOAD_MB.value * MB:
        raise FileError(
            f"{name} is too large.",
            f"It has {size / MB:,.0f} MB; {MOST_UPLOAD_MB.name} allows {MOST_UPLOAD_MB.value:,.0f}.",
            "Use fewer rows, or have the setting raised.",
        )


def check_file(path: Path, name: str) -> None:
    """Refuse a file that is larger than an upload may be."""
    check_size(path.stat().st_size, name)


def check_table(name: str, *, rows: int = 0, columns: int = 0) -> None:
    """Refuse a table of more rows or columns than one may have; call it before the table is read, where that can be told.

    Raises:
        FileError: With the setting that allows more.
    """
    for number, most, fewer in ((rows, MOST_ROWS, "rows"), (columns, MOST_COLUMNS, "columns")):
        if number > most.value:
            raise too_many(f"{number:,}", fewer, most, name)


def too_many(number: str, what: str, most: Setting, name: str) -> FileError:
    """Return the error that a table has more rows or columns than one may have."""
    return FileError(
        f"{name} has {number} {what}.",
        f"{most.name} allows {most.value:,.0f}.",
        f"Use fewer {what}, or have the setting raised.",
    )


def check_experiments(number: int) -> None:
    """Refuse one more experiment where there are ``number`` of them already.

    Raises:
        StoreError: With the setting that allows more.
    """
    if number >= MOST_EXPERIMENTS.value:
        raise StoreError(
            "No more experiments can be made.",
            f"There are {number:,}; {MOST_EXPERIMENTS.name} allows {MOST_EXPERIMENTS.value:,.0f}.",
            "Delete some on the start page, or have the setting raised.",
        )


def check_disk(used: int) -> None:
    """Refuse to write more into a store that takes ``used`` bytes already.

    Raises:
        StoreError: With the setting that allows more.
    """
    if used >= MOST_DISK_GB.value * GB:
        raise StoreError(
            "The store is full.",
            f"It takes {used / GB:,.1f} GB; {MOST_DISK_GB.name} allows {MOST_DISK_GB.value:,.1f}.",
            "Delete experiments and empty the bin on the start page, or have the setting raised.",
        )
