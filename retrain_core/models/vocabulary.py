"""Layers that look words or numbers up need their vocabulary, and only a ``.keras`` file keeps it."""

from __future__ import annotations

from retrain_core.errors import ModelError
from retrain_core.models.allowed import LOOKUP
from retrain_core.models.archive import Archive
from retrain_core.models.config import Described, name_of
from retrain_core.models.layers import Layout
from retrain_core.models.parsing import Json
from retrain_core.models.wording import SAVE_AGAIN, count, quoted
from retrain_core.types import Finding


def check_vocabularies(found: list[Described], archive: Archive, layout: Layout) -> list[Finding]:
    """Return a line about the vocabularies, if the model has any.

    Args:
        found: All objects of the config.
        archive: The file.
        layout: Where its layers are.

    Raises:
        ModelError: If a layer's vocabulary is not in the file.
    """
    lookups = _lookups(found)
    for entry in lookups:
        if entry["config"].get("vocabulary") is not None:
            continue
        label = f"{entry['class_name']} layer {quoted(name_of(entry))}"
        if archive.format == "h5":
            raise ModelError(
                f"The vocabulary of the {label} is not in the file.",
                "The .h5 format loses vocabularies learned with adapt().",
                'Save the original model in the newer format with model.save("model.keras").',
            )
        first, inner = _places(entry, layout)
        if first not in archive.assets:
            raise ModelError(
                f"The vocabulary of the {label} is missing.", "The archive is incomplete.", SAVE_AGAIN
            )
        try:
            for place in (first, inner):
                archive.assets.get(place, b"").decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelError(
                f"The vocabulary of the {label} is not text.", "It is damaged.", SAVE_AGAIN
            ) from error
    if not lookups:
        return []
    return [Finding("ok", "Vocabularies are in the file", f"{count(len(lookups), 'lookup layer')}.")]


def vocabularies(found: list[Described], archive: Archive, layout: Layout) -> dict[str, str]:
    """Return those vocabulary files that a layer reads, by their path in the archive, in the order of their names."""
    needed = {
        place
        for entry in _lookups(found)
        if entry["config"].get("vocabulary") is None
        for place in _places(entry, layout)
    }
    return {place: archive.assets[place].decode("utf-8") for place in sorted(needed & archive.assets.keys())}


def _lookups(found: list[Described]) -> list[Json]:
    return [each.config for each in found if each.kind == "layer" and each.config["class_name"] in LOOKUP]


def _places(entry: Json, layout: Layout) -> tuple[str, str]:
    """Return where the vocabulary of a layer is; a TextVectorization has it once more, for the layer inside it."""
    place = next((path for layer, path in layout.places if layer is entry), "")
    return f"assets/{place}/vocabulary.txt", f"assets/{place}/_lookup_layer/vocabulary.txt"
