"""A worker computes on its own device; logical GPUs stand in for real ones."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from retrain_core.machine import LOGICAL_GPUS
from tests.conftest import ROOT

PLACES = """
import sys
from retrain_core.training.devices import find_devices, use_device
import keras
import tensorflow as tf
with use_device(sys.argv[1], 1):
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.train_on_batch(tf.ones((4, 2)), tf.ones((4, 1)))
    variables = [v.value for v in (*model.variables, *model.optimizer.variables)]
    places = {tensor.device for tensor in (*variables, tf.function(lambda: tf.ones(2) * 2)())}
print(",".join(sorted(place.rpartition("device:")[2] for place in places)))
print(",".join(device.name for device in find_devices()))
"""


def places(device: str, logical_gpus: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PLACES, device], cwd=ROOT, capture_output=True, text=True, timeout=120,
        check=False, env={**os.environ, LOGICAL_GPUS: str(logical_gpus)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("device", "place"), [("gpu:1", "CPU:1"), ("gpu:0", "CPU:0"), ("gpu", "CPU:0"), ("cpu", "CPU:0")]
)
def test_everything_a_worker_makes_is_on_its_logical_device(device: str, place: str) -> None:
    done = places(device, logical_gpus=2)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == [place, "cpu,gpu:0,gpu:1"]


@pytest.mark.parametrize(("device", "there"), [("gpu:2", 2), ("gpu:0", 0), ("gpu", 0)])
def test_a_gpu_that_is_not_there_is_said_with_how_many_there_are(device: str, there: int) -> None:
    done = places(device, there)
    assert f"There is no device '{device}'. TensorFlow finds {there} GPUs. Choose the CPU." in done.stderr
