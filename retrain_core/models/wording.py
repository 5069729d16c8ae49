"""How names and numbers found in a file are put into messages."""

from __future__ import annotations

SAVE_AGAIN = 'Save the model again with model.save("model.keras") and choose that file.'
SHOWN = 80


def quoted(name: object) -> str:
    r"""Return ``name`` in quotes, shortened, with whatever a terminal could act on escaped.

    >>> quoted("lambda_1")
    "'lambda_1'"
    >>> quoted("a\x1b[31m")
    "'a\\x1b[31m'"
    """
    text = str(name)
    text = text if len(text) <= SHOWN else text[:SHOWN] + "…"
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"'{escaped}'"


def count(number: int, noun: str) -> str:
    r"""Return a number with its noun.

    >>> count(1, "layer"), count(2000, "layer")
    ('1 layer', '2\xa0000 layers')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", "\N{NO-BREAK SPACE}")


def megabytes(size: int) -> str:
    """Return a size in bytes for a reader.

    >>> megabytes(1_500_000), megabytes(20)
    ('1.5 MB', '20 bytes')
    """
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else count(size, "byte")
