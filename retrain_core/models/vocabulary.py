"""Layers that look words or numbers up need their vocabulary, and only a ``.keras`` file keeps it."""

from __future__ import annotations

from retrain_core.errors import ModelError
from retrain_core.models.allowed import LOOKUP
from retrain_core.models.archive import Archive
from retrain_core.models.config import Described, name_of
from retrain_core.models.layers import Layout
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
    lookups = [each.config for each in found if each.kind == "layer" and each.config["class_name"] in LOOKUP]
    places = {id(entry): path for entry, path in layout.places}
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
        asset = archive.assets.get(f"assets/{places.get(id(entry), '')}/vocabulary.txt")
        if asset is None:
            raise ModelError(
                f"The vocabulary of the {label} is missing.", "The archive is incomplete.", SAVE_AGAIN
            )
        try:
            asset.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ModelError(
                f"The vocabulary of the {label} is not text.", "It is damaged.", SAVE_AGAIN
            ) from error
    if not lookups:
        return []
    return [Finding("ok", "Vocabularies are in the file", f"{count(len(lookups), 'lookup layer')}.")]
