"""The commands, a file each. What takes long to import is imported by the command that needs it."""

from retrain_core.cli import compare, report, shift

COMMANDS = (shift, compare, report)

__all__ = ["COMMANDS"]
