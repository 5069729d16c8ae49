"""A model as Keras 2 wrote it, which is not installed: a functional network in an ``.h5`` file."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


def save_keras_2(path: Path) -> Path:
    """Write the model to ``path`` and return that."""

    def entry(class_name: str, name: str, inbound: list[Any], **config: Any) -> dict[str, Any]:
        inner = {"name": name, "trainable": True, "dtype": "float32", **config}
        return {"class_name": class_name, "config": inner, "name": name, "inbound_nodes": inbound}

    zeros = {"class_name": "Zeros", "config": {}}
    layers = [
        entry("InputLayer", "input_1", [], batch_input_shape=[None, 4], sparse=False, ragged=False),
        entry(
            "Dense", "hidden", [[["input_1", 0, 0, {}]]], units=3, activation="relu", bias_initializer=zeros
        ),
        entry("BatchNormalization", "norm", [[["hidden", 0, 0, {}]]], axis=[1]),
        entry("Dense", "out", [[["norm", 0, 0, {}]]], units=1, activation="sigmoid"),
    ]
    graph = {
        "name": "model",
        "layers": layers,
        "input_layers": [["input_1", 0, 0]],
        "output_layers": [["out", 0, 0]],
    }
    training = {
        "loss": "binary_crossentropy",
        "metrics": None,
        "optimizer_config": {"class_name": "Custom>Adam", "config": {"learning_rate": 0.25}},
    }
    shapes = {
        "input_1": [],
        "hidden": [(4, 3), (3,)],
        "norm": [(3,)] * 4,
        "out": [(3, 1), (1,)],
    }
    rng = np.random.default_rng(5)
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.12.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": graph})
        file.attrs["training_config"] = json.dumps(training)
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [name.encode() for name in shapes]
        weights.attrs["backend"] = weights.attrs["keras_version"] = b"tensorflow"
        for name, arrays in shapes.items():
            group = file.create_group(f"model_weights/{name}")
            names = [f"{name}/w{i}:0" for i in range(len(arrays))]
            group.attrs["weight_names"] = [each.encode() for each in names]
            for each, shape in zip(names, arrays, strict=True):
                group[each] = rng.uniform(0.1, 1, shape).astype("f4")
    return path
