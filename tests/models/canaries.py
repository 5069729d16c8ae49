"""Canaries: files that nobody may open and a port that nobody may reach, and whether somebody did."""

from __future__ import annotations

import ctypes
import os
import socket
import struct
from pathlib import Path

OPENED, CHANGED, CREATED, DELETED, MOVED = 0x20, 0x2, 0x100, 0x200, 0x80
EVENT = struct.Struct("iIII")
SECRET = b"secret"


class Canaries:
    """Watches a folder with inotify, which tells of every process, and listens on the loopback.

    Args:
        folder: What is in it is watched from now on.

    Source: Linux man-pages, inotify(7).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        libc = ctypes.CDLL(None, use_errno=True)
        self._watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        mask = OPENED | CHANGED | CREATED | DELETED | MOVED
        if self._watch < 0 or libc.inotify_add_watch(self._watch, os.fsencode(folder), mask) < 0:
            raise OSError(ctypes.get_errno(), "inotify")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._before = self._contents()

    @property
    def address(self) -> str:
        """Where the listener is, as a URL."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/words.txt"

    def touched(self) -> list[str]:
        """Return what was opened, changed or reached since the last call."""
        found = []
        try:
            data = os.read(self._watch, 65_536)
        except BlockingIOError:
            data = b""
        while data:
            _, _, _, length = EVENT.unpack_from(data)
            found.append(os.fsdecode(data[EVENT.size : EVENT.size + length].rstrip(b"\0")))
            data = data[EVENT.size + length :]
        try:
            connection, _ = self._listener.accept()
            connection.close()
            found.append("the listener")
        except BlockingIOError:
            pass
        return found

    def changed(self) -> bool:
        """Whether the files are others than at first; to look is noticed too, so do it last."""
        return self._contents() != self._before

    def close(self) -> None:
        """Watch no more."""
        os.close(self._watch)
        self._listener.close()

    def _contents(self) -> dict[str, bytes]:
        found = {path.name: path.read_bytes() for path in sorted(self.folder.iterdir()) if path.is_file()}
        if self._watch >= 0:
            while True:
                try:
                    os.read(self._watch, 65_536)
                except BlockingIOError:
                    return found
        return found
