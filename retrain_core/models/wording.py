"""How names and numbers found in a file are put into messages."""

from __future__ import annotations

SAVE_AGAIN = 'Save the model again with model.save("model.keras") and choose that file.'
SHOWN = 80


def plain(text: object) -> str:
    r"""Return ``text`` shortened, with whatever a terminal could act on escaped.

    >>> plain("a\x1b[31m")
    'a\\x1b[31m'
    """
    shown = str(text)
    shown = shown if len(shown) <= SHOWN else shown[:SHOWN] + "…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)


def quoted(text: object) -> str:
    """Return ``text`` as ``plain`` does, in quotes.

    >>> print(quoted("lambda_1"))
    'lambda_1'
    """
    return f"'{plain(text)}'"


def a_layer(class_name: str) -> str:
    """Return a class of layers with its article.

    >>> a_layer("Dense"), a_layer("InputLayer")
    ('a Dense layer', 'an InputLayer')
    """
    noun = class_name if class_name.endswith("Layer") else f"{class_name} layer"
    return f"{'an' if noun[0] in 'AEIOU' else 'a'} {noun}"


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
