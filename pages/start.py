"""Start: what the tool is for, the samples, and the experiments there are."""

import time

import streamlit as st

from pages._ui import state, ways
from pages._ui.bin_parts import delete_button, show_bin, show_usage, undo
from pages._ui.text import literal, show_error, show_unreadable
from retrain_core.data import infer_schema
from retrain_core.errors import RetrainError
from retrain_core.runs import experiment_status, new_id, place_words, queue_places, runs_done
from retrain_core.samples import Sample, samples
from retrain_core.types import ExperimentSpec

st.title("New data has arrived. What now?")
st.markdown(
    "Keep the old model, fine-tune it, train it on incrementally, or retrain it from scratch? "
    "This tool shows how the data has shifted, runs every way under the same conditions, compares them on rows "
    "that none has seen, and says what to do, and how sure it is."
)


def use_sample(sample: Sample) -> None:
    """Make an experiment of a sample and open the Shift page."""
    store = state.store()
    files = {role: store.add_file(sample.path(role)) for role in sample.files}
    card = state.card(files["model"].sha256, files["model"].name)
    new, old = (state.table(files[role].sha256, files[role].name) for role in ("new", "old"))
    spec = ExperimentSpec(
        id=new_id(),
        name=sample.title,
        created=time.time(),
        model=files["model"],
        new=files["new"],
        old=files["old"],
        schema=infer_schema(card, new, old, label=sample.label, task=sample.task),
        note="The shift in this sample is made, not natural." if sample.shift_is_made else "",
    )
    store.save_experiment(spec)
    state.open_experiment(spec.id)
    ways.go_to("shift")


st.subheader("The samples" if state.read_only() else "Try a sample")
for column, sample in zip(st.columns(3), samples(), strict=False):
    with column.container(border=True, height="stretch"):
        st.markdown(f"**{sample.title}**")
        st.caption(sample.story)
        if sample.shift_is_made:
            st.badge("shift is made", color="gray")
        first = sample.id == samples()[0].id
        if state.change_button(
            "Try the sample", key=f"try_{sample.id}", type="primary" if first else "secondary"
        ):
            try:
                use_sample(sample)
            except RetrainError as error:
                show_error(error)
        st.caption(f"{sample.source}. {sample.licence}.")

if not state.read_only():
    st.subheader("Or bring your own")
    st.markdown(
        "An old Keras model (`.keras`, `.h5`), the new data, and if you have it the old data (CSV, Parquet, NPZ)."
    )
    if st.button("Choose your files", icon=":material/upload_file:"):
        state.forget_experiment()
        st.switch_page("pages/data.py")

undo()
found, unreadable = state.store().experiments()
if found or unreadable:
    st.subheader("Experiments")
    places = queue_places(state.store())
    for spec in found[:20]:
        status, _ = experiment_status(state.store(), spec.id)
        done, runs = runs_done(state.store(), spec.id)
        words = f"{done} of {runs} runs done" if runs else "not run yet"
        if spec.id in places:
            words += f" · {place_words(places[spec.id])}"
        target = "train" if done < runs else "compare" if runs else "shift"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(
                f"pages/{target}.py",
                label=literal(spec.name),
                icon=":material/science:",
                query_params={state.EXPERIMENT: spec.id},
            )
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(spec.created))
            st.caption(f"{when} · {'failed' if status == 'failed' else words}")
            delete_button(spec)
if unreadable:
    show_unreadable(unreadable)
show_bin()
show_usage()
