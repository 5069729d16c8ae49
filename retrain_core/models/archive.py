"""Which container a model file is, and its members, read without trusting what it says about itself."""

from __future__ import annotations

import hashlib
import re
import stat
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Literal

from retrain_core.errors import FileError, ModelError, StoreError
from retrain_core.limits import MOST_MODEL_BYTES
from retrain_core.models.wording import SAVE_AGAIN, count, megabytes, quoted

SAVE_AS_KERAS = 'Load or rebuild the model in Keras and save it with model.save("model.keras").'
CHOOSE_MODEL = "Choose the model's file here, and this one as data."

MAX_MEMBERS = 1_000
MAX_CONFIG_BYTES = 64_000_000
MAX_ASSET_BYTES = 256_000_000
MAX_RATIO = 100
RATIO_FLOOR_BYTES = 16_000_000
CHUNK = 1 << 20
IN_MEMORY_BYTES = 64_000_000

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
VOCABULARY = re.compile(r"assets(/[A-Za-z0-9_]+)+/vocabulary\.txt")

# Foreign formats by what their files start with; ONNX has no magic number, but its first field is its version.
MAGIC: tuple[tuple[re.Pattern[bytes], str, str], ...] = (
    (re.compile(rb"\x80[\x02-\x05]", re.S), "a Python pickle (or joblib file)", SAVE_AS_KERAS),
    (re.compile(rb"....TFL3", re.S), "a TensorFlow Lite model", SAVE_AS_KERAS),
    (re.compile(rb"\x08\x01\x12", re.S), "a TensorFlow SavedModel (saved_model.pb)", SAVE_AS_KERAS),
    (re.compile(rb"\x08[\x02-\x14][\x12\x1a\x22\x3a]", re.S), "an ONNX model", SAVE_AS_KERAS),
    (re.compile(rb".{8}\{\"", re.S), "a safetensors file", SAVE_AS_KERAS),
    (re.compile(rb"PAR1"), "a Parquet data file", CHOOSE_MODEL),
    (re.compile(rb"\x93NUMPY"), "a NumPy data file (.npy)", CHOOSE_MODEL),
)
MEMBERS: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (re.compile(r"(.*/)?data\.pkl"), "a PyTorch model (.pt)", SAVE_AS_KERAS),
    (re.compile(r"(.*/)?saved_model\.pb"), "a zipped TensorFlow SavedModel", SAVE_AS_KERAS),
    (re.compile(r"[^/]*\.npy"), "a NumPy data file (.npz)", CHOOSE_MODEL),
)


@dataclass(frozen=True)
class Archive:
    """The parts of a model file.

    Args:
        format: ``keras`` (a zip archive) or ``h5``.
        sha256: Hash of the whole file.
        weights: The HDF5 file, open for reading; for ``h5`` the file itself.
        config: Text of ``config.json``; empty for ``h5``, whose config is inside the HDF5 file.
        metadata: Text of ``metadata.json``; ``None`` if there is none.
        assets: Vocabulary files by their path, such as ``assets/layers/string_lookup/vocabulary.txt``.
        summary: One line about the container, for the list of checks.
    """

    format: Literal["keras", "h5"]
    sha256: str
    weights: IO[bytes]
    config: bytes = b""
    metadata: bytes | None = None
    assets: dict[str, bytes] = field(default_factory=dict)
    summary: str = ""


def open_archive(path: Path) -> Archive:
    """Return the parts of the model file at ``path``; the caller closes ``weights``.

    Raises:
        FileError: If the file is missing, empty, damaged, or of another format.
        ModelError: If the archive holds what a Keras model does not.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise FileError("The file cannot be read.", f"{error.strerror}.", "Choose another file.") from error
    with file:
        head = file.read(16)
        if head.startswith(ZIP_MAGIC):
            return _open_zip(file)
        if head.startswith(HDF5_MAGIC):
            summary = f"HDF5 file of {megabytes(path.stat().st_size)}."
            return Archive("h5", sha256_of(file), path.open("rb"), summary=summary)
    if not head:
        raise FileError(
            "The file is empty.", "It has 0 bytes: the upload or copy did not finish.", SAVE_AGAIN
        )
    for magic, name, next_step in MAGIC:
        if magic.match(head):
            raise _foreign(name, next_step)
    raise FileError(
        "The file is not a Keras model.",
        "It is neither a .keras archive (zip) nor an .h5 file (HDF5), whatever its name says.",
        SAVE_AGAIN,
    )


def sha256_of(file: IO[bytes]) -> str:
    """Return the hash of all bytes of ``file``."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _foreign(name: str, next_step: str) -> FileError:
    return FileError(
        f"The file is {name}, not a Keras model.", "Only .keras and .h5 files can be used.", next_step
    )


def _open_zip(file: IO[bytes]) -> Archive:
    sha256 = sha256_of(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = _checked_members(archive)
            return _read_members(archive, members, sha256)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
        raise FileError(
            "The archive is damaged.", f"It looks cut off or changed after saving ({error}).", SAVE_AGAIN
        ) from error


def _checked_members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members, all of them expected ones."""
    members = [member for member in archive.infolist() if not _is_assets_folder(member)]
    names = [member.filename for member in members]
    for pattern, name, next_step in MEMBERS:
        if any(pattern.fullmatch(member) for member in names):
            raise _foreign(name, next_step)
    if len(members) > MAX_MEMBERS:
        raise _unexpected(
            f"It has {count(len(members), 'member')}; at most {count(MAX_MEMBERS, 'member')} are read."
        )
    times = Counter(names)
    for member in members:
        shown = quoted(member.filename)
        if times[member.filename] > 1:
            raise _unexpected(f"It has more than one member {shown}.")
        if member.flag_bits & 0x1:
            raise _unexpected(f"Its member {shown} is encrypted.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise _unexpected(f"Its member {shown} is packed with a method that Keras does not use.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise _unexpected(f"Its member {shown} is a symbolic link.")
        if member.orig_filename != member.filename or not _is_expected(member.filename):
            raise _unexpected(f"Its member {shown} is no part of a Keras model.")
    if CONFIG not in names:
        raise ModelError(
            "The archive has no config.json.", "The network's architecture is missing.", SAVE_AGAIN
        )
    if WEIGHTS not in names:
        raise ModelError(
            "The archive has no model.weights.h5.",
            "Without weights the model would answer at random.",
            SAVE_AGAIN,
        )
    return members


def _is_assets_folder(member: zipfile.ZipInfo) -> bool:
    return (
        member.is_dir()
        and member.file_size == 0
        and re.fullmatch(r"assets/([A-Za-z0-9_]+/)*", member.filename) is not None
    )


def _is_expected(name: str) -> bool:
    """Whether Keras writes a member of this name.

    >>> _is_expected("config.json"), _is_expected("../config.json"), _is_expected("assets/x/run.sh")
    (True, False, False)
    """
    return name in (CONFIG, METADATA, WEIGHTS) or VOCABULARY.fullmatch(name) is not None


def _unexpected(why: str) -> ModelError:
    return ModelError("The archive is not as Keras writes it.", why, SAVE_AGAIN)


def _read_members(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], sha256: str) -> Archive:
    small: dict[str, bytes] = {}
    budget = MOST_MODEL_BYTES
    for member in members:
        if member.filename != WEIGHTS:
            limit = MAX_ASSET_BYTES if member.filename.startswith("assets/") else MAX_CONFIG_BYTES
            unpacked, size = _unpack(archive, member, min(limit, budget))
            with unpacked:
                small[member.filename] = unpacked.read()
            budget -= size
    weights, size = _unpack(archive, archive.getinfo(WEIGHTS), budget)
    config, metadata = small.pop(CONFIG), small.pop(METADATA, None)
    unpacked_bytes = MOST_MODEL_BYTES - budget + size
    summary = f"{count(len(members), 'member')}, {megabytes(unpacked_bytes)}, nothing unexpected."
    return Archive("keras", sha256, weights, config, metadata, small, summary)


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> tuple[IO[bytes], int]:
    """Return one member as an open file, with its size counted rather than taken from the header."""
    target: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)
    size, shown = 0, quoted(member.filename)
    stored = max(member.compress_size, 1)
    try:
        with archive.open(member) as source:
            while chunk := source.read(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise _unexpected(f"Its member {shown} unpacks to more than {megabytes(limit)}.")
                if size > RATIO_FLOOR_BYTES and size > MAX_RATIO * stored:
                    raise _unexpected(
                        f"Its member {shown} unpacks to more than {MAX_RATIO} times its stored size."
                    )
                _write(target, chunk)
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target, size


def _write(target: IO[bytes], chunk: bytes) -> None:
    try:
        target.write(chunk)
    except OSError as error:
        raise StoreError(
            "There is no room to unpack the model.", f"{error.strerror}.", "Free some room, then try again."
        ) from error
