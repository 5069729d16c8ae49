"""The places for files on the Data page, and a first look into them."""

from __future__ import annotations

from typing import Any

import streamlit as st
from numpy.typing import NDArray

from pages._ui import drafts, state
from pages._ui.text import literal, short_name, show_error
from retrain_core.errors import RetrainError
from retrain_core.report.tables import harmless_table
from retrain_core.types import FileRef, ModelCard, Table

DATA = "CSV, Parquet or NPZ"
ROLES = {
    "model": ("Old model", ".keras or .h5", "The Keras model that is in use now."),
    "new": (
        "New data",
        DATA,
        "The rows that have arrived, with their labels. NPZ holds `y`, and `x` or an array for each input.",
    ),
    "old": (
        "Old data (optional)",
        DATA,
        "What the old model was trained on. Needed for shift and forgetting.",
    ),
    "holdout": (
        "Holdout (optional)",
        DATA,
        "Rows to score on. Without it, a fifth of the new data is held out.",
    ),
}
PREVIEW_ROWS, PREVIEW_COLUMNS = 8, 200


def slot(role: str) -> ModelCard | Table | None:
    """Draw the place of one file and return what was read in it.

    An upload goes into the store at once, by its content. Any file is let in, because a refusal of ours says why.
    """
    title, kinds, hint = ROLES[role]
    generation = st.session_state.setdefault(f"upload_generation_{role}", 0)
    if state.read_only():
        st.markdown(f"**{title}**")
        file = None
    else:
        file = st.file_uploader(f"{title}: {kinds}", help=hint, key=f"upload_{role}_{generation}")
    if file is not None:
        try:
            drafts.set_file(role, state.store().add_file(file, short_name(file.name)))
        except RetrainError as error:  # such as a full disk; what was there before stays
            show_error(error)
        else:
            st.session_state[f"upload_generation_{role}"] = (
                generation + 1
            )  # an empty uploader drops the buffer
            st.rerun()
    ref = drafts.draft().files.get(role)
    if ref is None:
        return None
    found, refusal = read(role, ref)
    with st.container(horizontal=True, vertical_alignment="center", key=f"file_{role}"):
        icon = ":green[:material/check_circle:]" if found else ":red[:material/error:]"
        st.markdown(f"{icon} {literal(ref.name)}")
        if state.change_button(
            "Remove", key=f"remove_{role}", type="tertiary", help=f"Take {title.lower()} away."
        ):
            drafts.set_file(role, None)
            st.rerun()
    if refusal:
        show_error(refusal)
    return found


def read(role: str, ref: FileRef) -> tuple[ModelCard | Table | None, RetrainError | None]:
    """Return what the file holds, or why it cannot be read."""
    try:
        return (state.card if role == "model" else state.table)(ref.sha256, ref.name), None
    except RetrainError as error:
        return None, error


def preview(tables: dict[str, Table]) -> None:
    """Show the first rows of each file."""
    st.subheader("The data")
    if st.session_state.get("preview") not in tables:  # at first, or if its file is gone
        st.session_state["preview"] = "new" if "new" in tables else next(iter(tables))
    role = st.segmented_control("Show", list(tables), required=True, key="preview")
    table = tables.get(role or "")
    if table is None:
        return
    for note in table.notes:
        st.caption(literal(note))
    for name, array in table.arrays.items():
        st.caption(
            f"{table.rows:,} examples {literal(name)} of shape {' x '.join(map(str, array.shape[1:]))}; "
            f"the first {PREVIEW_ROWS}:"
        )
        show_images(array, table)
    if len(table.columns.columns) > (1 if table.arrays else 0):
        columns = len(table.columns.columns)
        some = f" of the first {PREVIEW_COLUMNS} columns" if columns > PREVIEW_COLUMNS else ""
        st.caption(f"{table.rows:,} rows, {columns:,} columns; the first {PREVIEW_ROWS} rows{some}:")
        st.dataframe(
            harmless_table(table.columns.iloc[:PREVIEW_ROWS, :PREVIEW_COLUMNS]),
            hide_index=True,
            key=f"preview_{role}",
        )


def show_images(array: NDArray[Any], table: Table) -> None:
    """Show the first examples of an array if they are images, with what stands in their first column."""
    first = array[:PREVIEW_ROWS]
    if first.ndim == 4 and first.shape[-1] == 1:
        first = first[..., 0]
    if first.ndim != 3 and not (first.ndim == 4 and first.shape[-1] in (3, 4)):
        return
    low, high = float(first.min()), float(first.max())
    grey = ((first - low) / max(high - low, 1e-9) * 255).astype("uint8")
    with st.container(horizontal=True):
        for number, image in enumerate(grey):
            label = table.columns.iloc[number, 0] if len(table.columns.columns) else number
            st.image(image, width=84, caption=literal(label))
