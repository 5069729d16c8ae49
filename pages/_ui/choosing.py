"""What the sections behind the scores share: the part of the holdout and the candidates to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import streamlit as st

from retrain_core.compare.evidence import SIDES, Evidence, Side
from retrain_core.figures.style import keep_first, look_of

MOST_MODELS = 4  # on one chart, unless more are asked for
SIDE_NAMES = {"new": "new part", "old": "old part"}
Columns = Mapping[Side, pd.DataFrame]
NO_COLUMNS = "The held-out rows were not kept as they came when this experiment was prepared: there are no columns to look at."


def choose_side(evidence: Evidence, section: str) -> Side:
    """Let the user choose the part, if there are two."""
    sides = [side for side in SIDES if evidence.predicted.get(side)]
    if len(sides) == 1:
        return sides[0]
    return st.segmented_control(
        "Rows",
        sides,
        default=sides[0],
        required=True,
        key=f"{section}_side",
        persist_state="session",
        format_func=SIDE_NAMES.__getitem__,
    )


def choose_models(names: Iterable[str], key: str, nearest: Sequence[str]) -> list[str]:
    """Let the user choose candidates, if there are many; at first keep and those ``nearest`` to being chosen."""
    names = keep_first(names)
    if len(names) <= MOST_MODELS:
        return names
    ranks = {name: rank for rank, name in enumerate(dict.fromkeys(("keep", *nearest)))}
    first = sorted(names, key=lambda name: ranks.get(name, len(ranks)))[:MOST_MODELS]
    chosen = st.multiselect(
        "Candidates", names, default=[name for name in names if name in first], key=key, persist_state="session",
        format_func=lambda name: look_of(name).title,
    )  # fmt: skip
    return chosen or names[:1]
