"""Every error a user can meet.

RetrainError
├── InputError              the input is at fault: the command line exits with 2
│   ├── FileError           a file that cannot be read, or is not what its name says
│   ├── DataError           the rows or columns do not fit the question
│   └── ModelError          the model cannot be used, or not safely
│       └── UnreadError     its file was not read to its end, so it is not known whether it can
├── RunError                a run could not do its work; the other runs go on
└── StoreError              the store on disk is missing, full, or not ours

Each says what happened, why, and what to do next, in words for the person at the screen.
"""

from __future__ import annotations


class RetrainError(Exception):
    """An error with the three things a reader needs.

    Args:
        what: What happened, one sentence.
        why: The cause, as far as it is known.
        next_step: What the reader can do about it.
    """

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(what, why, next_step)
        self.what, self.why, self.next_step = what, why, next_step

    def __str__(self) -> str:
        """Return the three parts as one message.

        >>> print(DataError("No rows.", "The file has only a header.", "Choose a file with rows."))
        No rows. The file has only a header. Choose a file with rows.
        """
        return " ".join(part for part in (self.what, self.why, self.next_step) if part)


class InputError(RetrainError):
    """The input is at fault."""


class FileError(InputError):
    """A file cannot be read, or is not what its name says."""


class DataError(InputError):
    """The rows or columns do not fit the question."""


class ModelError(InputError):
    """The model cannot be used, or not safely."""


class UnreadError(ModelError):
    """A model file was not read to its end, so what it holds is not known; it may be read another time."""


class RunError(RetrainError):
    """A run could not do its work."""


class StoreError(RetrainError):
    """The store on disk is missing, full, or not ours."""


def in_a_line(error: BaseException, most: int = 300) -> str:
    r"""Return what is said of an error that is none of ours; of one of the system's not the path, which is the server's.

    >>> in_a_line(FileNotFoundError(2, "No such file or directory", "/srv/store/x")), in_a_line(ValueError("a\nb"))
    ('FileNotFoundError: No such file or directory', 'ValueError: a')
    """
    text = str(error).strip()
    said = (
        error.strerror or ("" if "/" in text or "\\" in text else text)
        if isinstance(error, OSError)
        else text
    )
    return f"{type(error).__name__}: {said}".split("\n")[0][:most].rstrip(": ")
