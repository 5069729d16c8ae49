"""Every name in a model's config, held against the allow-list.

The walk keeps its own stack: a config nested 100 000 deep ends in a message, not in a crash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrain_core.errors import ModelError
from retrain_core.models.allowed import (
    ALLOWED,
    ALLOWED_LEGACY,
    DTYPES,
    FUNCTION_MODULES,
    FUNCTIONS,
    INITIALIZERS,
    OPERATIONS,
    REFUSED,
    REGULARIZERS,
    VALUES,
    ObjectKind,
)
from retrain_core.models.parsing import Json
from retrain_core.models.wording import SAVE_AGAIN, a_layer, count, quoted

REPLACE = "Replace it with a built-in Keras layer and save the model again."
RECOMPILE = 'Compile the model with a built-in loss, optimizer and metrics, such as model.compile(loss="mse"), and save it again.'

COMPILED = "compile_config"
MAX_NAME = 200
INITIALIZER_NAMES = frozenset(
    {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower() for name in INITIALIZERS}
    | {"normal", "uniform", "one", "zero"}
    | set(INITIALIZERS)
)
REGULARIZER_NAMES = frozenset({"l1", "l2", "l1_l2", "orthogonal_regularizer"} | set(REGULARIZERS))
CONSTRAINT_NAMES = frozenset({"max_norm", "min_max_norm", "non_neg", "unit_norm"})
STANDARDIZERS = frozenset({"lower_and_strip_punctuation", "lower", "strip_punctuation"})
# A string under a key that ends like this is looked up by Keras, so it has to be a known name.
NAMED_BY: tuple[tuple[str, frozenset[str]], ...] = (
    ("activation", FUNCTIONS),
    ("_initializer", INITIALIZER_NAMES),
    ("_regularizer", REGULARIZER_NAMES),
    ("_constraint", CONSTRAINT_NAMES),
    ("standardize", STANDARDIZERS),
    ("split", frozenset({"whitespace", "character"})),
)
# Keras reads a string here as the path or address of a file.
LISTS_ONLY = frozenset({"vocabulary", "idf_weights"})


@dataclass(frozen=True)
class Described:
    """An object in the config and where it stands.

    Args:
        kind: What the allow-list says it is.
        config: The whole entry: ``class_name``, ``config``, and so on.
        inside: Name of the enclosing layer, empty at the top.
    """

    kind: ObjectKind
    config: Json
    inside: str

    @property
    def label(self) -> str:
        """Its class and name, for messages."""
        return f"{self.config['class_name']} layer, {quoted(name_of(self.config))}"


def name_of(entry: Json) -> str:
    """Return the name of a layer or model from its config entry.

    >>> name_of({"class_name": "Dense", "config": {"name": "dense_1"}})
    'dense_1'
    """
    inner = entry.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    return str(name or entry.get("name") or entry.get("class_name", ""))


def check_config(config: Json, *, legacy: bool) -> list[Described]:
    """Hold everything that ``config`` names against the allow-list.

    Args:
        config: The model's entry, with ``class_name`` and ``config``.
        legacy: Whether it comes from an ``.h5`` file, where classes may go without a module.

    Returns:
        All objects found, layers inside wrappers and nested models included.

    Raises:
        ModelError: If something is not on the list; says what, and in which layer.
    """
    return list(_walk(config, legacy))


def _walk(config: Json, legacy: bool) -> Iterator[Described]:
    stack: list[tuple[Any, str]] = [(config, "")]
    while stack:
        value, inside = stack.pop()
        if isinstance(value, list):
            stack += [(item, inside) for item in value if isinstance(item, (dict, list))]
            continue
        if "class_name" in value:
            kind = _check_object(value, inside, legacy)
            if kind is not None:
                yield Described(kind, value, inside)
            if kind in ("layer", "model") and value is not config:
                inside = name_of(value)
        elif {"module", "registered_name", "__lambda__"} & value.keys():
            raise ModelError(
                "The model's config names a module without a class.", _where(inside, "It is"), SAVE_AGAIN
            )
        for key, item in value.items():
            _check_entry(key, item, inside)
            if isinstance(item, (dict, list)):
                stack.append((item, COMPILED if key == COMPILED else inside))


def _check_object(entry: Json, inside: str, legacy: bool) -> ObjectKind | None:
    """Return what kind of object ``entry`` is, ``None`` for a plain value or function."""
    class_name, module, inner = entry["class_name"], entry.get("module"), entry.get("config")
    if not isinstance(class_name, str) or not isinstance(module, (str, type(None))):
        raise _not_allowed(entry, inside)
    if class_name in REFUSED:
        raise _refused(entry, inside)
    if class_name in VALUES:
        dtype = inner.get("dtype") if isinstance(inner, dict) else None
        if class_name in ("__numpy__", "__tensor__") and dtype not in DTYPES:
            raise ModelError(
                f"The model's config holds an array of the dtype {quoted(dtype)}.",
                _where(inside, "It is"),
                SAVE_AGAIN,
            )
        return None
    if legacy and _is_lost_operation(entry):
        raise ModelError(
            f"The model computes {quoted(name_of(entry))} with an operation, which .h5 files do not keep.",
            "They hold its name alone; Keras cannot load it, or takes it for the layer of that name.",
            'Save the original model in the newer format with model.save("model.keras").',
        )
    if class_name == "function":
        if module not in FUNCTION_MODULES or not isinstance(inner, str) or inner not in FUNCTIONS:
            raise _custom_function(inner, inside)
        if entry.get("registered_name") not in (None, "function", inner):
            raise _custom_function(entry["registered_name"], inside)
        return None
    kind = (
        ALLOWED_LEGACY.get(class_name)
        if legacy and "module" not in entry
        else ALLOWED.get((module or "", class_name))
    )
    if kind is None or entry.get("registered_name") not in (None, class_name):
        raise _not_allowed(entry, inside)
    if not isinstance(inner, dict):
        raise ModelError(
            f"The config of {quoted(class_name)} is missing.", _where(inside, "It is"), SAVE_AGAIN
        )
    _check_name(entry, inner, kind)
    return kind


def _is_lost_operation(entry: Json) -> bool:
    """Whether an entry of an ``.h5`` file is arithmetic: unlike a layer, it says neither module nor trainable."""
    inner = entry.get("config")
    bare = (
        "module" not in entry
        and "inbound_nodes" in entry
        and isinstance(inner, dict)
        and "trainable" not in inner
    )
    return bare and any(entry["class_name"] in names for names in OPERATIONS.values())


def _check_name(entry: Json, inner: Json, kind: ObjectKind) -> None:
    """Refuse names that could be taken for a path; Keras builds file and group names from them."""
    for name in (entry.get("name"), inner.get("name")):
        if name is None or kind == "object":
            continue
        plain = isinstance(name, str) and 0 < len(name) <= MAX_NAME and name.isprintable()
        if not plain or "/" in name or "\\" in name or ".." in name:
            raise ModelError(
                f"The model has {a_layer(entry['class_name'])} with an unusable name, {quoted(name)}.",
                "A layer's name must be plain text: no slash, no '..', no control characters, "
                f"at most {MAX_NAME} characters.",
                "Rename the layer and save the model again.",
            )


def _check_entry(key: str, value: Any, inside: str) -> None:
    if key in LISTS_ONLY and not isinstance(value, (list, type(None))):
        raise ModelError(
            f"The {key} of layer {quoted(inside)} is not a list.",
            f"It is {quoted(value)}, which Keras would read as the path or address of a file.",
            "Put the entries into the layer itself and save the model again.",
        )
    if isinstance(value, str):
        for ending, names in NAMED_BY:
            if key.endswith(ending) and value not in names:
                raise _custom_function(value, inside)


def _where(inside: str, subject: str) -> str:
    return f"{subject} inside layer {quoted(inside)}." if inside else f"{subject} at the top level."


def _refused(entry: Json, inside: str) -> ModelError:
    class_name = entry["class_name"]
    if class_name.startswith("__"):
        what = f"The model has Python code in its config ({quoted(class_name)}){_within(inside)}."
    else:
        what = f"The model has {a_layer(class_name)}, {quoted(name_of(entry))}{_within(inside)}."
    return ModelError(what, f"{REFUSED[class_name]} It is never loaded.", _way_out(inside))


def _not_allowed(entry: Json, inside: str) -> ModelError:
    class_name, module, registered = entry["class_name"], entry.get("module"), entry.get("registered_name")
    if str(module).startswith(("keras.src.engine", "keras.engine", "tensorflow")):
        return ModelError(
            f"The model was saved by Keras 2 ({quoted(module)}).",
            "Keras 3 cannot read its .keras files.",
            "Open it where it was made and save it as .h5, or build it again in Keras 3.",
        )
    shown = quoted(registered or class_name) + (f" from {quoted(module)}" if module else "")
    name = f", named {quoted(name_of(entry))}" if name_of(entry) != str(class_name) else ""
    return ModelError(
        f"The model uses {shown}{name}{_within(inside)}, which is not on the list of built-in Keras classes.",
        "A custom class, or a subclassed model, is code of its own, which is not in the file and not run here.",
        _way_out(inside),
    )


def _custom_function(name: object, inside: str) -> ModelError:
    return ModelError(
        f"The model uses the function {quoted(name)}{_within(inside)}, which is not built into Keras.",
        "A custom function is code of its own, which is not run here.",
        RECOMPILE
        if inside == COMPILED
        else "Use a built-in activation, initializer or regularizer by name, and save the model again.",
    )


def _within(inside: str) -> str:
    return f", inside {quoted(inside)}" if inside else ""


def _way_out(inside: str) -> str:
    return RECOMPILE if inside == COMPILED else REPLACE


def allowed_summary(found: list[Described]) -> str:
    """Return one line about what was checked, for the list of checks."""
    return f"{count(len(found), 'object')} in the config (layers, initializers and the like), all built into Keras."
