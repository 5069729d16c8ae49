"""Load pairs of model files with Keras and print, by the name of a pair, how they differ; run as a script.

Arguments: pairs of original and rebuilt file, all in a row.
"""

import json
import os
import sys
import warnings
from pathlib import Path

ROWS = 7


def main(paths):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import keras

    warnings.simplefilter("error")
    # keras 3.15 with numpy 2.4
    warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
    differences = {}
    for before, after in zip(paths[::2], paths[1::2], strict=True):
        key = "/".join(Path(before).parts[-2:])
        try:
            original = load(keras, before)
        except Exception as error:
            differences[key] = f"the original: {type(error).__name__}"
            continue
        differences[key] = difference(keras, original, load(keras, after))
    print(json.dumps(differences))


def load(keras, path):
    keras.utils.set_random_seed(3)
    return keras.saving.load_model(path, compile=False, safe_mode=True)


def difference(keras, before, after):
    import numpy as np

    ours, theirs = ([weight for weight in model.get_weights()] for model in (after, before))
    same = len(ours) == len(theirs) and all(
        a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
        for a, b in zip(ours, theirs, strict=True)
    )
    if not same:
        return "weights"
    inputs = [example(np, tensor) for tensor in before.inputs]
    structure = before._inputs_struct if hasattr(before, "_inputs_struct") else inputs[0]
    given = keras.tree.pack_sequence_as(structure, inputs) if hasattr(before, "_inputs_struct") else inputs[0]
    outputs = [keras.tree.flatten(model(given, training=False)) for model in (before, after)]
    raw = [[np.asarray(each).tobytes() for each in flat] for flat in outputs]
    return "" if raw[0] == raw[1] else "outputs"


def example(np, tensor):
    import tensorflow as tf

    shape = [axis or ROWS for axis in tensor.shape]
    rng = np.random.default_rng(1)
    if tensor.dtype == "string":
        return tf.constant(rng.choice(["Bern", "Zürich", "a", "good value", "?"], shape))
    if tensor.dtype.startswith("int"):
        return tf.constant(rng.integers(0, 10, shape), tensor.dtype)
    return tf.cast(tf.constant(rng.normal(size=shape)), tensor.dtype)


if __name__ == "__main__":
    main(sys.argv[1:])
