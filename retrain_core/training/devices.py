"""What TensorFlow finds to compute on, and how a worker keeps to its own part of it."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import tensorflow as tf

from retrain_core.errors import RunError
from retrain_core.files import write_atomic
from retrain_core.machine import cpu, logical_gpus
from retrain_core.types import Device, to_json


def find_devices() -> tuple[Device, ...]:
    """Return the CPU, then each GPU, as TensorFlow sees them."""
    return cpu(), *(Device(f"gpu:{number}", title, 1) for number, title in enumerate(_gpu_titles()))


def use_device(device: str, threads: int) -> AbstractContextManager[None]:
    """Let this process see one device only; call it before TensorFlow computes anything.

    Args:
        device: ``cpu``, ``gpu:N``, or ``gpu`` for the first.
        threads: CPU threads this process may keep busy.

    Returns:
        What to load, train and score within. The one visible device is the default anyway; a logical one is not.

    Raises:
        RunError: If there is no such device.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        return nullcontext()
    number, there = int(device.partition(":")[2] or 0), len(_gpu_titles())
    if number >= there:
        raise RunError(
            f"There is no device '{device}'.", f"TensorFlow finds {there} GPUs.", "Choose the CPU."
        )
    if logical_gpus():
        tf.config.set_visible_devices([], "GPU")
        parts = [tf.config.LogicalDeviceConfiguration() for _ in range(there)]
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
        placed: AbstractContextManager[None] = tf.device(f"/CPU:{number}")
        return placed
    tf.config.set_visible_devices([gpus[number]], "GPU")
    tf.config.experimental.set_memory_growth(gpus[number], True)
    return nullcontext()


def _gpu_titles() -> list[str]:
    """Return the title of every GPU; logical ones, if a test asks for them, stand in for the real ones."""
    if logical_gpus():
        return [f"GPU {number}: logical, for tests" for number in range(logical_gpus())]
    details = map(tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU"))
    return [f"GPU {number}: {found.get('device_name', 'unknown')}" for number, found in enumerate(details)]


def main(path: str) -> None:
    """Write what was found to ``path`` as JSON."""
    write_atomic(Path(path), to_json(find_devices()))


if __name__ == "__main__":
    main(sys.argv[1])
