"""Containers that are refused: what they really are is named, and what to do instead."""

import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest

from retrain_core.errors import FileError, ModelError
from retrain_core.models import archive
from retrain_core.models.card import read_card

ONNX = b"\x08\x07\x12\x07pytorch" + bytes(50)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def packed(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 8, "not a Keras model"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(60), "TensorFlow Lite"),
        (ONNX, "ONNX"),
        (b"\x08\x01\x12\x90" + bytes(60), "SavedModel"),
        (struct.pack("<Q", 80) + b'{"weight": {}}', "safetensors"),
    ],
)
def test_foreign_files_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(FileError, match=words) as caught:
        read_card(write(tmp_path / "upload", data), name="churn.keras")
    assert caught.value.what.startswith("churn.keras: ")
    assert "model.keras" in caught.value.next_step
    assert str(tmp_path) not in str(caught.value)


def test_a_data_file_is_told_from_a_model(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="Parquet data file") as caught:
        read_card(write(tmp_path / "model.keras", b"PAR1" + bytes(60)))
    assert caught.value.next_step == "Choose the model's file here, and this one as data."


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ("model/data.pkl", "PyTorch"),
        ("export/saved_model.pb", "SavedModel"),
        ("x.npy", "NumPy"),
    ],
)
def test_foreign_archives_are_named(tmp_path: Path, member: str, words: str) -> None:
    with pytest.raises(FileError, match=words):
        read_card(packed(tmp_path / "model.keras", {member: b"0"}))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileError, match=r"none\.keras: The file cannot be read\. No such file or directory\. Choose"
    ):
        read_card(tmp_path / "none.keras")


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_truncated_file_is_refused(saved: Path, tmp_path: Path, ending: str, part: float) -> None:
    data = (saved / f"sequential.{ending}").read_bytes()
    with pytest.raises(FileError, match=r"damaged|cut off"):
        read_card(write(tmp_path / f"model.{ending}", data[: int(len(data) * part)]))


def test_a_changed_byte_is_found(saved: Path, tmp_path: Path) -> None:
    data = bytearray((saved / "sequential.keras").read_bytes())
    data[data.index(b'"Sequential"') + 3] ^= 1
    with pytest.raises(FileError, match="damaged"):
        read_card(write(tmp_path / "model.keras", bytes(data)))


@pytest.mark.parametrize(
    ("lost", "words"), [("config.json", r"no config\.json"), ("model.weights.h5", r"no model\.weights\.h5")]
)
def test_config_and_weights_are_needed(
    members: dict[str, bytes], tmp_path: Path, lost: str, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        read_card(
            packed(tmp_path / "m.keras", {name: data for name, data in members.items() if name != lost})
        )


@pytest.mark.parametrize(
    "name",
    [
        *("../config.json", "/etc/passwd", "run.py", "assets/../../x/vocabulary.txt", "assets/a/run.sh"),
        *("assets\\x\\vocabulary.txt", "model.weights.npz", "C:/x", "folder/"),
    ],
)
def test_unexpected_members_are_refused(members: dict[str, bytes], tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match="no part of a Keras model"):
        read_card(packed(tmp_path / "m.keras", {**members, name: b"x"}))


def test_a_member_name_with_a_nul_byte_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    name = "assets/x/vocabulary.txt"
    data = packed(tmp_path / "m.keras", {**members, f"{name}#.py": b"x"}).read_bytes()
    with pytest.raises(ModelError, match="no part of a Keras model"):
        read_card(write(tmp_path / "m.keras", data.replace(b".txt#", b".txt\0")))


def test_a_duplicate_member_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    path = packed(tmp_path / "m.keras", members)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("config.json", b"{}")
    with pytest.raises(ModelError, match=r"more than one member 'config\.json'"):
        read_card(path)


def test_a_link_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    path = packed(tmp_path / "m.keras", {"config.json": b"{}", "model.weights.h5": b""})
    with zipfile.ZipFile(path, "a") as file:
        link = zipfile.ZipInfo("metadata.json")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    with pytest.raises(ModelError, match="symbolic link"):
        read_card(path)


def test_an_encrypted_member_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / "m.keras", members).read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(ModelError, match="encrypted"):
        read_card(write(tmp_path / "m.keras", bytes(data)))


def test_a_bomb_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    bomb = packed(
        tmp_path / "m.keras", {**members, "model.weights.h5": bytes(60_000_000)}, zipfile.ZIP_DEFLATED
    )
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ModelError, match="unpacks to more than 100 times"):
        read_card(bomb)


def test_an_unusual_compression_is_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="packed with a method that Keras does not use"):
        read_card(packed(tmp_path / "m.keras", members, zipfile.ZIP_LZMA))


def test_a_header_that_lies_about_the_size_does_not_help(members: dict[str, bytes], tmp_path: Path) -> None:
    data = packed(
        tmp_path / "m.keras", {**members, "model.weights.h5": bytes(60_000_000)}, zipfile.ZIP_DEFLATED
    ).read_bytes()
    lie = data.replace(struct.pack("<I", 60_000_000), struct.pack("<I", 1_000))
    with pytest.raises((FileError, ModelError)):
        read_card(write(tmp_path / "m.keras", lie))


def test_sizes_are_limited(
    members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "m.keras", members)
    monkeypatch.setattr(archive, "MOST_MODEL_BYTES", 10_000)
    with pytest.raises(ModelError, match="unpacks to more than"):
        read_card(path)


def test_many_members_are_refused(members: dict[str, bytes], tmp_path: Path) -> None:
    many = {f"assets/a{i}/vocabulary.txt": b"" for i in range(archive.MAX_MEMBERS)}
    with pytest.raises(ModelError, match=r"at most 1.000 members"):
        read_card(packed(tmp_path / "m.keras", {**members, **many}))


def test_the_name_shown_cannot_steer_a_terminal(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        read_card(write(tmp_path / "x", b""), name="\x1b[31m" + "a" * 300)
    assert "\x1b" not in str(caught.value)
    assert len(caught.value.what) < 150


def test_reading_twice_gives_the_same_hash(saved: Path) -> None:
    first, second = (read_card(saved / "uncompiled.keras").sha256 for _ in range(2))
    assert first == second == archive.sha256_of(io.BytesIO((saved / "uncompiled.keras").read_bytes()))
