"""Whether a search for GPUs is worth its seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from retrain_core import machine
from retrain_core.runs.launchers.local import LocalLauncher
from retrain_core.types import Device, from_json

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no cheap sign of a GPU")


@linux_only
def test_any_sign_of_a_driver_is_reason_to_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "GPU_SIGNS", (str(tmp_path / "nvidia*"),))
    monkeypatch.setattr(machine, "GPU_TOOLS", ())
    assert not machine.may_have_gpu()
    (tmp_path / "nvidiactl").touch()
    assert machine.may_have_gpu()


def test_without_a_gpu_the_answer_is_there_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain_core.runs.launchers.local.may_have_gpu", lambda: False)
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").is_set()
    (device,) = from_json((tmp_path / "devices.json").read_bytes(), tuple[Device, ...])
    assert device.name == "cpu" and device.cores == machine.usable_cores()


def test_a_search_agrees_with_the_quick_answer_on_a_machine_without_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain_core.runs.launchers.local.may_have_gpu", lambda: True)
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").wait(60)
    launcher.close()
    found = from_json((tmp_path / "devices.json").read_bytes(), tuple[Device, ...])
    assert found[0] == machine.cpu()


def test_a_search_that_fails_leaves_no_old_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("retrain_core.runs.launchers.local.may_have_gpu", lambda: True)
    monkeypatch.setattr("retrain_core.runs.launchers.local.SEARCH_SECONDS", 0.01)
    (tmp_path / "devices.json").write_text("[]")
    launcher = LocalLauncher(warm=False)
    assert launcher.find_devices(tmp_path / "devices.json").wait(60)
    launcher.close()
    assert not (tmp_path / "devices.json").exists()
    assert "The search for GPUs failed" in capfd.readouterr().err
