"""What TensorFlow finds to compute on, and how a worker keeps to its own part of it."""

from __future__ import annotations

import sys
from pathlib import Path

import tensorflow as tf

from retrain_core.data.files import write_atomic
from retrain_core.errors import RunError
from retrain_core.machine import cpu
from retrain_core.types import Device, to_json


def find_devices() -> tuple[Device, ...]:
    """Return the CPU, then each GPU, as TensorFlow sees them."""
    found = [cpu()]
    for number, gpu in enumerate(tf.config.list_physical_devices("GPU")):
        details = tf.config.experimental.get_device_details(gpu)
        found.append(Device(f"gpu:{number}", f"GPU {number}: {details.get('device_name', 'unknown')}", 1))
    return tuple(found)


def use_device(device: str, threads: int) -> None:
    """Let this process see one device only; call it before TensorFlow computes anything.

    Args:
        device: ``cpu`` or ``gpu:N``.
        threads: CPU threads this process may keep busy.

    Raises:
        RunError: If there is no such device.
    """
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices("GPU")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        return
    number = int(device.partition(":")[2] or 0)
    if number >= len(gpus):
        raise RunError(
            f"There is no device '{device}'.", f"TensorFlow finds {len(gpus)} GPUs.", "Choose the CPU."
        )
    tf.config.set_visible_devices([gpus[number]], "GPU")
    tf.config.experimental.set_memory_growth(gpus[number], True)


def main(path: str) -> None:
    """Write what was found to ``path`` as JSON."""
    write_atomic(Path(path), to_json(find_devices()))


if __name__ == "__main__":
    main(sys.argv[1])
