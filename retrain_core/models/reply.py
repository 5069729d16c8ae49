"""What the process that reads model files says: a card, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from retrain_core.errors import (
    DataError,
    FileError,
    ModelError,
    RetrainError,
    RunError,
    StoreError,
    UnreadError,
)
from retrain_core.models.wording import SAVE_AGAIN, megabytes, plain
from retrain_core.types.model import ModelCard

ErrorName = Literal["FileError", "DataError", "UnreadError", "ModelError", "RunError", "StoreError"]
ERRORS: dict[ErrorName, type[RetrainError]] = {
    "FileError": FileError,
    "DataError": DataError,
    "UnreadError": UnreadError,  # before what it is a kind of
    "ModelError": ModelError,
    "RunError": RunError,
    "StoreError": StoreError,
}  # all that are raised


@dataclass(frozen=True)
class Refusal:
    """An error by its name and its three parts."""

    error: ErrorName
    what: str
    why: str
    next_step: str

    @classmethod
    def of(cls, error: RetrainError) -> Refusal:
        """Return what is said of ``error``."""
        name = next(name for name, kind in ERRORS.items() if isinstance(error, kind))
        return cls(name, error.what, error.why, error.next_step)

    def as_error(self) -> RetrainError:
        """Return it as an error to raise."""
        return ERRORS[self.error](self.what, self.why, self.next_step)


@dataclass(frozen=True)
class Reply:
    """One of both."""

    card: ModelCard | None = None
    refusal: Refusal | None = None


def too_much_memory(name: str, memory: int) -> UnreadError:
    """Return the error of a file that would take more memory than it may, in bytes."""
    return UnreadError(
        f"{plain(name)}: The model file takes too much memory to read.",
        f"Reading it took more than {megabytes(memory)}, so it was ended.",
        SAVE_AGAIN,
    )


def not_read(name: str) -> str:
    """Return what does not happen where the sandbox is too weak to read a model file."""
    return f"{plain(name)}: The model file is not read here"


def unreadable(name: str, why: str, kind: type[ModelError] = UnreadError) -> ModelError:
    """Return the error of a file whose reading came to no end of its own, or to one that tells what it is."""
    return kind(f"{plain(name)}: The model file cannot be read.", why, SAVE_AGAIN)
