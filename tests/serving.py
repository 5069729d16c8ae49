"""The real app in a real server, and a client that speaks to it as a browser does."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.conftest import ROOT

ENDED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)  # else it begins again


class App:
    """One server on one store; it can be restarted.

    Args:
        store: Its folder; the server's log stands beside it.
        folder: The app's.
        settings: Environment variables beside the usual ones.
    """

    def __init__(self, store: Path, folder: Path = ROOT, settings: Mapping[str, str] | None = None) -> None:
        self.store, self._folder, self._settings = store, folder, settings or {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = store.parent / "app.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = self.log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)],
            cwd=self._folder, env={**os.environ, "RETRAIN_STORE": str(self.store), **self._settings},
            stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        deadline = time.monotonic() + 60
        while not self._healthy():
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.1)

    @property
    def is_up(self) -> bool:
        """Whether it has been started and not ended since."""
        return self._process is not None and self._process.poll() is None

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def end(self) -> None:
        """Stop the server and the runner it started."""
        self.stop()
        for process in psutil.process_iter(["cmdline"]):
            if str(self.store) in (process.info["cmdline"] or []):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
                    process.wait()

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=2) as answer:
                return answer.read() == b"ok"
        except OSError:
            return False


@contextmanager
def serving(app: App) -> Iterator[App]:
    """Start a server, and end it with all that it started."""
    app.start()
    try:
        yield app
    finally:
        app.end()


@dataclass
class Visit:
    """A tab: what the server has sent, and a way to send it whatever one likes."""

    app: App
    socket: ClientConnection
    messages: list[ForwardMsg] = field(default_factory=list)

    @property
    def session(self) -> str:
        return next(m.new_session.initialize.session_id for m in self.messages if m.HasField("new_session"))

    def rerun(self, message: BackMsg) -> list[ForwardMsg]:
        """Send a request to run the page, and return all that comes until it has."""
        self.socket.send(message.SerializeToString())
        first = len(self.messages)
        while not (
            self.messages[first:]
            and self.messages[-1].script_finished in ENDED
            and self.messages[-1].HasField("script_finished")
        ):
            content = self.socket.recv(timeout=60)
            assert isinstance(content, bytes)
            self.messages.append(ForwardMsg.FromString(content))
        return self.messages[first:]

    def upload(self, content: bytes) -> int:
        """Put a file at Streamlit's own address for uploads; return the HTTP status."""
        token = xsrf_token(self.app)
        edge = "edge"
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="new.csv"\r\n\r\n'.encode()
            + content
            + f"\r\n--{edge}--\r\n".encode()
        )
        return status(
            f"{self.app.url}/_stcore/upload_file/{self.session}/1",
            method="PUT",
            body=body,
            headers={
                "Content-Type": f"multipart/form-data; boundary={edge}",
                "X-Xsrftoken": token,
                "Cookie": f"_streamlit_xsrf={token}",
            },
        )


def xsrf_token(app: App) -> str:
    """Return the token that the server gives to pages of its own."""
    with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=10) as answer:
        cookies = answer.headers.get_all("Set-Cookie") or []
    return next(c.split(";")[0].split("=", 1)[1] for c in cookies if c.startswith("_streamlit_xsrf="))


@contextmanager
def visit(app: App, query: str = "", origin: str | None = None) -> Iterator[Visit]:
    """Open a page as a browser does, by the websocket."""
    address = f"ws://127.0.0.1:{app.port}/_stcore/stream"
    asked = connect(address, subprotocols=["streamlit"], max_size=None, origin=origin, open_timeout=60)  # type: ignore[arg-type]
    with asked as tab:
        found = Visit(app, tab)
        message = BackMsg()
        message.rerun_script.query_string = query
        found.rerun(message)
        yield found


def status(
    url: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> int:
    """Return the HTTP status of a request, also where the server answers before it has taken the body."""
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.netloc, timeout=30)) as server:
        with suppress(BrokenPipeError, ConnectionResetError):
            server.request(method, parts.path, body, dict(headers or {}))
        return server.getresponse().status


def until(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
