"""A command line that cannot be read is one message like any other: what, why, and what next."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from retrain_core.errors import InputError

# What argparse says, and what happened and why in our words.
SAID: tuple[tuple[str, str, str], ...] = (
    (r"argument (.+): invalid float value: (.+)", r"\1 \2 cannot be read.", "It takes a number."),
    (r"argument (.+): invalid int value: (.+)", r"\1 \2 cannot be read.", "It takes a whole number."),
    (
        r"argument (.+): invalid choice: (.+) \(choose from (.+)\)",
        r"\1 \2 is not known.",
        r"It is one of: \3.",
    ),
    (r"argument (.+): expected one argument", r"\1 stands without a value.", "It takes one."),
    (r"the following arguments are required: (.+, .+)", r"\1 are missing.", "The command needs them."),
    (r"the following arguments are required: (.+)", r"\1 is missing.", "The command needs it."),
    (r"unrecognized arguments: (.+)", r"\1 is not understood.", "The command has no such option."),
)


class Parser(argparse.ArgumentParser):
    """A parser that raises what it cannot read, and leaves saying it to its caller."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Return the options; what is left over is an error of the command that it was given to."""
        found, rest = super().parse_known_args(args, namespace)
        if rest:
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Raise what argparse says in our words."""
        what, why = _in_our_words(message)
        raise InputError(what, why, f"See {self.prog} --help.")


def _in_our_words(message: str) -> tuple[str, str]:
    r"""Return what happened and why.

    >>> _in_our_words("argument --alpha: invalid float value: 'abc'")
    ("--alpha 'abc' cannot be read.", 'It takes a number.')
    """
    for pattern, what, why in SAID:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return found.expand(what), found.expand(why)
    return f"The command line cannot be read: {message}.", ""
