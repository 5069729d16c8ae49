"""The file that Keras loads: the same model as the one that was checked, and nothing else."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from retrain_core.errors import FileError, ModelError, StoreError
from retrain_core.models import arrays, weights
from retrain_core.models.card import open_checked, read_card
from retrain_core.models.rebuild import rebuild
from tests.models.keras_2 import save_keras_2
from tests.models.test_card import BOTH, FILES, KERAS, SAMPLES, file_of

KERAS_CANNOT_LOAD = {"residual.h5": "TypeError", "shared.keras": "ValueError"}  # nor the original


def rebuilt(path: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    with open_checked(path) as checked:
        return rebuild(checked, folder)


def difference(*pairs: tuple[Path, Path]) -> list[str]:
    """Return, of each pair of files, in what Keras finds them to differ; nothing if it finds nothing."""
    files = [str(file) for pair in pairs for file in pair]
    script = Path(__file__).with_name("compare_models.py")
    done = subprocess.run([sys.executable, script, *files], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    return list(json.loads(done.stdout.splitlines()[-1]).values())


def content(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return how each array of a model is stored, and the attributes of each object that has some."""
    stored: dict[str, Any] = {}
    attributes: dict[str, Any] = {}

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            plist = item.id.get_create_plist()
            stored[name] = (item.dtype.str, plist.get_layout() == h5py.h5d.CONTIGUOUS, plist.get_nfilters())
        if item.attrs:
            attributes[name] = dict(item.attrs)

    data = zipfile.ZipFile(path).read("model.weights.h5") if path.suffix == ".keras" else path.read_bytes()
    with h5py.File(io.BytesIO(data)) as file:
        visit("", file)
        file.visititems(visit)
    return stored, attributes


def test_the_state_of_the_optimizer_goes_along_so_that_keras_warns_nobody(
    saved: Path, tmp_path: Path
) -> None:
    copy = rebuilt(saved / "sequential.keras", tmp_path / "copy")
    states = []
    for path in (saved / "sequential.keras", copy):
        with (
            zipfile.ZipFile(path) as archive,
            h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file,
        ):
            states.append({name: item[()].tobytes() for name, item in file["optimizer/vars"].items()})
    assert states[0] == states[1] and len(states[0]) > 2


def test_weights_and_outputs_are_those_of_the_original(saved: Path, tmp_path: Path) -> None:
    files = [file_of(saved, file) for file in FILES] + [save_keras_2(tmp_path / "keras_2.h5")]
    copies = [rebuilt(path, tmp_path / str(number)) for number, path in enumerate(files)]
    found = difference(*zip(files, copies, strict=True))
    expected = [KERAS_CANNOT_LOAD.get(file.name) for file in files]
    assert found == [f"the original: {error}" if error else "" for error in expected]
    assert len(found) == len(KERAS) + len(BOTH) + len(SAMPLES) + 1


@pytest.mark.parametrize("file", FILES)
def test_the_card_is_the_same_and_so_are_the_bytes_of_a_second_copy(
    saved: Path, tmp_path: Path, file: str
) -> None:
    path = file_of(saved, file)
    first, second = rebuilt(path, tmp_path / "1"), rebuilt(path, tmp_path / "2")
    again = rebuilt(first, tmp_path / "3")
    assert first.read_bytes() == second.read_bytes() == again.read_bytes()
    assert first.name == f"model{path.suffix}"
    assert [each.name for each in first.parent.iterdir()] == [first.name]
    before, after = read_card(path), read_card(first)
    assert hashlib.sha256(first.read_bytes()).hexdigest() == after.sha256 != before.sha256
    checks = [[each for each in card.findings if each.title[:1] != "A"] for card in (before, after)]
    same = {"sha256": "", "findings": ()}
    assert replace(before, **same) == replace(after, **same)
    assert [(each.status, each.title) for each in checks[0]] == [
        (each.status, each.title) for each in checks[1]
    ]


def changed(saved: Path, path: Path, change: Callable[[h5py.File], Any], **members: bytes) -> Path:
    """Write the plain model with its weights file changed and further members."""
    with zipfile.ZipFile(saved / "sequential.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            data = io.BytesIO(source.read(name))
            if name == "model.weights.h5":
                with h5py.File(data, "r+") as file:
                    change(file)
            if name == "config.json":
                config = json.loads(data.getvalue())
                data = io.BytesIO(json.dumps(config | {"author": "somebody", "files": ["/etc"]}).encode())
            target.writestr(name, data.getvalue())
        for name, extra in members.items():
            target.writestr(name, extra)
    return path


def make_odd(file: h5py.File) -> None:
    """Store the same numbers in other ways, and more beside them."""
    for path, options in (
        ("layers/dense/vars/0", {"chunks": (2, 2), "compression": "gzip", "shuffle": True}),
        ("layers/dense_1/vars/0", {"chunks": (4, 4), "compression": "lzf", "fletcher32": True}),
        ("layers/dense_2/vars/0", {"chunks": (8, 1), "maxshape": (None, 1)}),
    ):
        values = file[path][()]
        del file[path]
        file.create_dataset(path, data=values.astype(">f4"), **options)
        file[path].attrs["note"] = np.zeros(3, [("a", "i4"), ("b", "S3")])
    file["layers/dense/vars"].attrs["run"] = "rm -rf /"
    file.attrs["author"] = "somebody"
    file["layers/elsewhere/vars/0"] = np.arange(9)
    file["_hidden/0"] = np.arange(9)


def test_what_is_odd_or_more_than_needed_comes_out_plain(saved: Path, tmp_path: Path) -> None:
    vocabulary = {"assets/layers/elsewhere/vocabulary.txt": b"a\nb"}
    odd = changed(saved, tmp_path / "odd.keras", make_odd, **vocabulary)
    copy, plain = rebuilt(odd, tmp_path / "odd"), rebuilt(saved / "sequential.keras", tmp_path / "plain")
    assert copy.read_bytes() == plain.read_bytes()
    with zipfile.ZipFile(copy) as archive:
        assert archive.namelist() == ["config.json", "metadata.json", "model.weights.h5"]
        config = json.loads(archive.read("config.json"))
    assert set(config) == {
        "module",
        "class_name",
        "config",
        "registered_name",
        "build_config",
        "compile_config",
    }
    assert set(config["compile_config"]) == {
        "optimizer",
        "loss",
        "loss_weights",
        "metrics",
        "weighted_metrics",
    }
    stored, attributes = content(copy)
    assert not attributes
    assert {name.split("/")[0] for name in stored} == {"layers", "optimizer"}
    assert "layers/dense/vars/0" in stored
    assert all(how[0] in ("<f4", "<u4", "<i8") and how[1:] == (True, 0) for how in stored.values())
    assert difference((saved / "sequential.keras", copy)) == [""]


def test_only_bfloat16_keeps_an_attribute(saved: Path, tmp_path: Path) -> None:
    _, attributes = content(rebuilt(saved / "brain_float.keras", tmp_path / "copy"))
    assert attributes == {f"layers/dense/vars/{number}": {"dtype": "bfloat16"} for number in (0, 1)}


def test_an_h5_file_keeps_what_keras_goes_by_and_loses_the_rest(saved: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.h5"
    odd.write_bytes((saved / "sequential.h5").read_bytes())
    with h5py.File(odd, "r+") as file:
        file.attrs["author"] = "somebody"
        file["elsewhere"] = np.arange(5)
        names = [*weights._names(file["model_weights"]), "elsewhere"]
        arrays._save_names(file["model_weights"], "layer_names", names)
        file.create_group("model_weights/elsewhere").attrs["weight_names"] = [b"w"]
        file["model_weights/elsewhere/w"] = np.arange(5)
    copy = rebuilt(odd, tmp_path / "odd")
    assert copy.read_bytes() == rebuilt(saved / "sequential.h5", tmp_path / "plain").read_bytes()
    stored, attributes = content(copy)
    assert set(attributes[""]) == {"model_config", "training_config", "keras_version"}
    assert not any("optimizer" in name or "elsewhere" in name for name in stored)
    assert {name for of in list(attributes)[1:] for name in attributes[of]} == {"layer_names", "weight_names"}
    assert set(json.loads(attributes[""]["training_config"])) <= {
        *("optimizer_config", "loss", "loss_weights", "metrics", "weighted_metrics"),
    }


def test_a_vocabulary_without_metadata_is_there_after_all(saved: Path, tmp_path: Path) -> None:
    """Keras looks for assets only if the archive has more than three members."""
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(saved / "lookup.keras") as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            if name != "metadata.json":
                target.writestr(name, source.read(name))
    assert difference((saved / "lookup.keras", rebuilt(path, tmp_path / "copy"))) == [""]


def test_large_arrays_are_copied_in_blocks(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rebuilt(saved / "film.keras", tmp_path / "whole").read_bytes()
    monkeypatch.setattr(weights, "CHUNK", 3)
    largest = 0
    read = arrays._read

    def watching(array: Any, block: Any, path: str) -> Any:
        nonlocal largest
        values = read(array, block, path)
        largest = max(largest, values.size)
        return values

    monkeypatch.setattr(arrays, "_read", watching)
    assert rebuilt(saved / "film.keras", tmp_path / "parts").read_bytes() == whole
    assert largest == 3


def test_a_list_of_very_many_names_is_split_as_keras_does(tmp_path: Path) -> None:
    names = [f"layer_{number}_{'x' * 60}" for number in range(3_000)]
    with h5py.File(tmp_path / "names.h5", "w") as file:
        arrays._save_names(file, "layer_names", names)
        assert set(file.attrs) == {f"layer_names{number}" for number in range(4)}
        assert weights._names(file) == names


def test_an_array_that_turns_out_damaged_is_named(saved: Path, tmp_path: Path) -> None:
    """The check reads the first 400 MB alone; what comes behind is read when it is copied."""

    def compress(file: h5py.File) -> None:
        values = file["layers/dense_1/vars/0"][()]
        del file["layers/dense_1/vars/0"]
        file.create_dataset("layers/dense_1/vars/0", data=values, chunks=(8, 8), compression="gzip")
        chunk = file["layers/dense_1/vars/0"].id.get_chunk_info(0)
        places.append((chunk.byte_offset, chunk.size))

    places: list[tuple[int, int]] = []
    path = changed(saved, tmp_path / "model.keras", compress)
    data = bytearray(path.read_bytes())
    start = data.index(b"\x89HDF\r\n\x1a\n") + places[0][0]
    for number in range(start + 2, start + places[0][1]):
        data[number] ^= 0xFF
    damaged = tmp_path / "damaged.h5"
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("model.weights.h5").file_size
    begin = data.index(b"\x89HDF\r\n\x1a\n")
    damaged.write_bytes(data[begin : begin + offset])
    with h5py.File(damaged) as source, h5py.File(tmp_path / "to.h5", "w") as target:
        with pytest.raises(FileError, match="'layers/dense_1/vars/0' cannot be read"):
            arrays.copy_arrays(source, target, ["layers/dense_1/vars/0"])


def test_no_room_is_the_stores_error_and_leaves_nothing(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        with open_checked(saved / "sequential.keras") as checked:
            rebuild(checked, tmp_path / "gone")
    with pytest.raises(ModelError, match=r"lambda\.keras"):
        rebuilt(saved / "lambda.keras", tmp_path / "copy")
    assert list((tmp_path / "copy").iterdir()) == []
