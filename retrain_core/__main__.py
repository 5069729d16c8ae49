"""The command line: inspect, shift, compare, report, runner.

Exit 0: done. Exit 2: the input is at fault. Exit 1: our fault.
"""

from __future__ import annotations

import argparse
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from retrain_core.cli import COMMANDS
from retrain_core.cli.parsing import Parser
from retrain_core.errors import InputError, RetrainError
from retrain_core.limits import check_settings
from retrain_core.types import from_json, to_json
from retrain_core.types.text import counted


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        options = _parser().parse_args(arguments)
        check_settings()
        options.command(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RetrainError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1
    except Exception as error:
        traceback.print_exc()
        print(f"error: this is our fault: {type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m retrain_core", description="Compare ways to update a Keras model.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    inspect = commands.add_parser("inspect", help="say what a model file is, as JSON")
    inspect.add_argument("model", type=Path, metavar="MODEL")
    inspect.set_defaults(command=_inspect)
    for command in COMMANDS:
        command.add(commands)
    runner = commands.add_parser("runner", help="work off the queue of a store (the app starts it by itself)")
    runner.add_argument("--store", type=Path, required=True)
    runner.add_argument("--idle-seconds", type=float, default=3600.0, help="end after this long without work")
    runner.add_argument(
        "--rebuild", action="store_true", help="make the index of the store anew from its runs, then end"
    )
    runner.set_defaults(command=_runner)
    return parser


def _inspect(options: argparse.Namespace) -> None:
    from retrain_core.models import checked_card
    from retrain_core.sandbox import strength

    card = from_json(to_json(checked_card(options.model)), dict[str, Any])
    sys.stdout.buffer.write(to_json({**card, "sandbox": strength()}) + b"\n")


def _runner(options: argparse.Namespace) -> None:
    from retrain_core.machine import use_large_pages
    from retrain_core.runs.rebuild import rebuild
    from retrain_core.runs.runner import main as serve

    if options.rebuild:
        number = rebuild(options.store)
        print(f"The index was made anew: {counted(number, 'experiment')}. The old one is kept beside it.")
    else:
        use_large_pages(True)  # for training; the server that starts a runner goes without
        serve(options.store, options.idle_seconds)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ended from outside, it tidies up all the same
    sys.exit(main())
