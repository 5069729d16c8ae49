"""What the Data page holds before it is an experiment: in the session, and saved under an id in the URL."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pages._ui import state
from pages._ui.state import DRAFT, EXPERIMENT
from retrain_core.data import chosen_labels, labels_wanted
from retrain_core.data.gaps import Gaps
from retrain_core.data.time_order import ROW_ORDER
from retrain_core.errors import RetrainError
from retrain_core.runs import new_id
from retrain_core.types import (
    ExperimentSpec,
    FileRef,
    SplitSettings,
    Task,
    from_json,
    to_json,
)

CHOICES = ("label", "task", "from_logits", "classes", "columns", "gaps")  # what the user may overrule


@dataclass(frozen=True)
class Draft:
    """What the Data page holds before it is an experiment: files by role, what the user overruled, and the split.

    ``version`` counts changes. It is part of the widgets' keys, so that after a change each shows what is inferred
    now, not what it held before.
    """

    files: dict[str, FileRef]
    name: str = ""
    note: str = ""
    label: str | tuple[str, ...] | None = None
    task: Task | None = None
    from_logits: bool | None = None
    classes: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    gaps: Gaps | None = None
    split: SplitSettings = SplitSettings()
    version: int = 0
    id: str = ""

    @property
    def overruled(self) -> dict[str, Any]:
        """What the user overruled, by argument of ``infer_schema``; ``None`` where nothing was."""
        return {name: getattr(self, name) for name in CHOICES}


def draft() -> Draft:
    """Return what the Data page holds: what a refresh left, else that of the open experiment, else nothing."""
    if DRAFT not in st.session_state:
        spec = state.experiment()
        st.session_state[DRAFT] = _saved_draft() or (_draft_of(spec) if spec else Draft(files={}))
    return st.session_state[DRAFT]


def change_draft(**changes: object) -> None:
    """Change what the Data page holds, and keep it for a refresh."""
    before = draft()
    now = replace(before, id=before.id or new_id(), version=before.version + 1, **changes)  # type: ignore[arg-type]
    st.session_state[DRAFT] = now
    state.store().save_draft(now.id, to_json(now))


def keep_draft_in_url() -> None:
    """Let a refresh of the Data page come back to what was entered."""
    if draft().id:
        st.query_params[DRAFT] = draft().id


def _saved_draft() -> Draft | None:
    saved = state.store().draft(st.query_params.get(DRAFT, ""))
    try:
        return None if saved is None else from_json(saved, Draft)
    except ValueError:  # damaged, or of another version
        st.toast("What had been entered cannot be read any more.", icon=":material/warning:")
        return None


def set_file(role: str, ref: FileRef | None) -> None:
    """Set or take away a file of the draft; choices that hang on it and do not fit it are inferred again.

    A file that cannot be read changes no choice: they wait for the one that comes in its place.
    """
    files = {**draft().files, role: ref}
    changes: dict[str, object] = {"files": {key: value for key, value in files.items() if value}}
    if ref and role in FITTING:
        with suppress(RetrainError):
            changes |= FITTING[role](ref)
    if role != "model" and draft().split.columns:
        changes |= {"split": _split_still_there(files.get("new"))}
    change_draft(**changes)


def _fitting_model(ref: FileRef) -> dict[str, object]:
    """Return the choices that are kept with another model: the label, if it takes as many columns."""
    now, card = draft(), state.card(ref.sha256, ref.name)
    chosen = (now.label,) if isinstance(now.label, str) else now.label or ()
    return NOTHING_CHOSEN | {"label": now.label if len(chosen) == labels_wanted(card) else None}


def _fitting_new(ref: FileRef) -> dict[str, object]:
    """Return the choices that are kept with other new data: those of columns that it has too.

    A label that the old data has is needed, not forgotten.
    """
    now, found = draft(), state.table(ref.sha256, ref.name)
    try:
        label = chosen_labels(found, now.label) if now.label else None
    except RetrainError:
        return NOTHING_CHOSEN | {"label": now.label if _old_data_has(now.label) else None}
    fit = now.columns is not None and set(now.columns) <= set(found.columns.columns)
    return NOTHING_CHOSEN | {"label": label, "columns": now.columns if fit else None}


NOTHING_CHOSEN: dict[str, object] = {name: None for name in CHOICES if name != "gaps"}  # which fits any file
FITTING: dict[str, Callable[[FileRef], dict[str, object]]] = {"model": _fitting_model, "new": _fitting_new}


def _old_data_has(label: str | tuple[str, ...] | None) -> bool:
    ref = draft().files.get("old")
    if ref is None or label is None:
        return False
    try:
        chosen_labels(state.table(ref.sha256, ref.name), label)
    except RetrainError:
        return False
    return True


def _split_still_there(ref: FileRef | None) -> SplitSettings:
    """Return how rows are held out, without the columns that new data has no more."""
    split = draft().split
    if ref is None:
        return split
    try:
        known = {*state.table(ref.sha256, ref.name).columns.columns, ROW_ORDER}
    except RetrainError:
        return split
    return replace(
        split,
        time=split.time if split.time in known else None,
        id=split.id if split.id in known else None,
    )


def _draft_of(spec: ExperimentSpec) -> Draft:
    files = {"model": spec.model, "new": spec.new, "old": spec.old, "holdout": spec.holdout}
    schema = spec.schema
    flat = len(schema.bindings) == 1 and schema.bindings[0].columns
    return Draft(
        files={role: ref for role, ref in files.items() if ref},
        name=spec.name,
        note=spec.note,
        label=schema.labels,
        task=schema.task,
        from_logits=schema.from_logits,
        classes=schema.classes or None,
        columns=schema.bindings[0].columns if flat else None,
        gaps="fill" if schema.fill else None,
        split=spec.split,
    )


def fresh_id() -> str:
    """Return the id to save under: the open experiment's if it has not been run, else a new one."""
    id = st.session_state.get(EXPERIMENT)
    return id if id and not state.store().count_runs(id) else new_id()
