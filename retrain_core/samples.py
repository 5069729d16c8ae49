"""The samples that come with the app: real data, real old models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retrain_core.types import Task, from_json

FOLDER = Path(__file__).parents[1] / "sample_data"


@dataclass(frozen=True)
class Sample:
    """One sample, as ``samples.json`` describes it.

    Args:
        id: Its folder.
        title: Shown to people.
        story: Why one would ask, in a sentence.
        files: By role (``model``, ``old``, ``new``), relative to the folder of samples.
        label: The label column.
        task: Kind of problem.
        shift_is_made: Whether the shift was made by us, and did not come with the data.
        source: Where the data is from.
        licence: Its licence.
    """

    id: str
    title: str
    story: str
    files: Mapping[str, str]
    label: str
    task: Task
    shift_is_made: bool
    source: str
    licence: str

    def path(self, role: str) -> Path:
        """Return the file in this role."""
        return FOLDER / self.files[role]


def samples() -> tuple[Sample, ...]:
    """Return all samples."""
    return from_json((FOLDER / "samples.json").read_bytes(), tuple[Sample, ...])
