"""A tab that behaves as a browser's does, without a browser: it goes from page to page, fills in and presses, and draws parts again.

It speaks the real protocol to a real server, so fifty of them load a server as fifty visitors do, on a machine that could
not run fifty browsers. It is harder on the server than a browser: it keeps no messages, so all are sent in full.
"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from tests.serving import ENDED, App, status, xsrf_token

PATIENCE = 120.0  # seconds; whoever waits longer has found an error
Place = tuple[int, ...]


@dataclass
class Tab:
    """One tab, from the moment it is opened.

    Args:
        app: The server.
        socket: Its connection.
        times: By page, how long each run of it took, from the request to the end of the script.
        errors: What was shown as an exception.
        received: Bytes that came.
    """

    app: App
    socket: ClientConnection
    times: list[tuple[str, float]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    received: int = 0

    def __post_init__(self) -> None:
        self.shown: dict[Place, Any] = {}
        self.page = ""
        self.session = ""
        self._fragment_of: dict[Place, str] = {}
        self._set: dict[str, WidgetState] = {}
        self._pages: dict[str, str] = {}
        self.query = ""  # what the address bar holds behind the question mark
        self._again: dict[str, tuple[float, float]] = {}  # of a fragment: its pause, and when it is due
        self.parts = 0  # how many times a part of a page drew itself again
        self._answers: dict[str, Any] = {}  # to requests that run no page
        self._runs = False  # whether the whole page is being drawn

    # --- what a visitor does ----------------------------------------------------------------------

    def open(self, page: str = "", query: str = "") -> float:
        """Go to a page, at first as a link does, later as the navigation does; return the seconds it took."""
        self.page = page
        message = self._request(query)
        if page in self._pages:
            message.rerun_script.page_script_hash = self._pages[page]
        else:
            message.rerun_script.page_name = page
        return self._run(message)

    def press(self, key: str) -> float:
        """Press a button by the key that the app gives it."""
        message = self._request(self.query)
        message.rerun_script.page_script_hash = self._pages.get(self.page, "")
        pressed = message.rerun_script.widget_states.widgets.add()
        pressed.id, pressed.trigger_value = self.widget(key), True
        return self._run(message)

    def fill(self, key: str, **value: object) -> float:
        """Set a widget, such as ``int_value=3``."""
        state = WidgetState(id=self.widget(key), **value)  # type: ignore[arg-type]
        self._set[state.id] = state
        message = self._request(self.query)
        message.rerun_script.page_script_hash = self._pages.get(self.page, "")
        return self._run(message)

    def upload(self, key: str, name: str, content: bytes) -> float:
        """Choose a file in an uploader."""
        token = xsrf_token(self.app)
        edge = b"edge"
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        body = b"--" + edge + b"\r\n" + head + content + b"\r\n--" + edge + b"--\r\n"
        id = secrets.token_hex(8)
        url = f"{self.app.url}/_stcore/upload_file/{self.session}/{id}"
        headers = {
            "Content-Type": f"multipart/form-data; boundary={edge.decode()}",
            "X-Xsrftoken": token,
            "Cookie": f"_streamlit_xsrf={token}",
        }
        assert status(url, method="PUT", body=body, headers=headers) == 204
        state = WidgetState(id=self.widget(key))
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.file_id, info.name, info.size = id, name, len(content)
        info.file_urls.file_id = id
        info.file_urls.upload_url = info.file_urls.delete_url = url.removeprefix(self.app.url)
        self._set[state.id] = state
        message = self._request(self.query)
        message.rerun_script.page_script_hash = self._pages.get(self.page, "")
        return self._run(message)

    def download(self, label: str) -> bytes:
        """Press a button for a download that is made when it is pressed, and return the file."""
        with urllib.request.urlopen(self.ask_for(label), timeout=PATIENCE) as file:
            return file.read()

    def ask_for(self, label: str) -> str:
        """Press such a button, and return where the file can be fetched."""
        (button,) = [
            element.download_button
            for element in self.shown.values()
            if element.WhichOneof("type") == "download_button" and element.download_button.label == label
        ]
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = secrets.token_hex(8), self.session
        request.deferred_file.file_id = button.deferred_file_id
        self.socket.send(message.SerializeToString())
        while request.request_id not in self._answers:
            self._receive(PATIENCE, must=True)
        answer = self._answers.pop(request.request_id)
        assert answer.HasField("deferred_file"), answer.error_msg
        return self.app.url + str(answer.deferred_file.url)

    def look(self, seconds: float, over: threading.Event | None = None) -> None:
        """Stay on the page; parts of it that draw themselves again do."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not (over and over.is_set()):
            now = time.monotonic()
            for fragment, (pause, due) in list(self._again.items()):
                if due <= now:
                    self._again[fragment] = (pause, now + pause)
                    message = self._request(self.query)
                    message.rerun_script.page_script_hash = self._pages.get(self.page, "")
                    message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, True
                    self.socket.send(message.SerializeToString())
                    self.parts += 1
            next_due = min((due for _, due in self._again.values()), default=end)
            self._receive(max(0.01, min(left, next_due - time.monotonic())))

    # --- what is on the screen --------------------------------------------------------------------

    def widget(self, key: str) -> str:
        """Return the id of a widget that the app gave a key."""
        found = [id for element in self.shown.values() if (id := id_of(element)).endswith(f"-{key}")]
        assert found, f"there is no {key} on {self.page}"
        return found[-1]

    def has(self, key: str) -> bool:
        """Whether a widget with this key is on the screen."""
        return any(id_of(element).endswith(f"-{key}") for element in self.shown.values())

    def text(self) -> str:
        """Return the texts and alerts on the screen."""
        found = []
        for element in self.shown.values():
            if (kind := element.WhichOneof("type")) in ("markdown", "alert", "heading"):
                found.append(getattr(element, kind).body)
        return "\n".join(found).replace("\\", "")

    # --- the protocol -----------------------------------------------------------------------------

    def _request(self, query: str) -> BackMsg:
        self.query = query
        message = BackMsg()
        message.rerun_script.query_string = query
        message.rerun_script.widget_states.widgets.extend(self._set.values())
        return message

    def _run(self, message: BackMsg) -> float:
        while self._runs:  # a part of it has asked for the whole
            self._receive(PATIENCE, must=True)
        start = time.perf_counter()
        self.socket.send(message.SerializeToString())
        while not self._receive(PATIENCE, must=True):
            pass
        seconds = time.perf_counter() - start
        self.times.append((self.page, seconds))
        return seconds

    def _receive(self, timeout: float, *, must: bool = False) -> bool:
        """Take the next message; return whether a run of the whole page has ended with it."""
        try:
            content = self.socket.recv(timeout=timeout)
        except TimeoutError:
            assert not must, f"{self.page} did not end"
            return False
        assert isinstance(content, bytes)
        self.received += len(content)
        message = ForwardMsg.FromString(content)
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
            self._begin(list(message.metadata.run.fragment_ids))
        elif kind == "navigation":
            for one in message.navigation.app_pages:
                self._pages["" if one.is_default else one.url_pathname] = one.page_script_hash
            self.page = next(
                (name for name, hash in self._pages.items() if hash == message.navigation.page_script_hash),
                self.page,
            )
        elif kind == "backend_operation_response":
            answer = message.backend_operation_response
            self._answers[answer.request_id] = answer
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            pause = message.auto_rerun.interval
            self._again[message.auto_rerun.fragment_id] = (pause, time.monotonic() + pause)
        elif kind == "stop_auto_rerun":
            for id in message.stop_auto_rerun.fragment_ids:
                self._again.pop(id, None)
        elif kind == "delta" and message.delta.HasField("new_element"):
            self._draw(
                tuple(message.metadata.delta_path), message.delta.new_element, message.delta.fragment_id
            )
        ended = kind == "script_finished" and message.script_finished in ENDED
        self._runs = self._runs and not ended
        return ended

    def _begin(self, fragments: list[str]) -> None:
        """Forget what a run is about to draw anew."""
        if not fragments:
            self._runs = True
            self._again.clear()
        gone = [place for place in self.shown if not fragments or self._fragment_of[place] in fragments]
        for place in gone:
            del self.shown[place]

    def _draw(self, place: Place, element: Any, fragment: str) -> None:
        self.shown[place], self._fragment_of[place] = element, fragment
        if element.HasField("exception"):
            self.errors.append(f"{self.page}: {element.exception.type}: {element.exception.message}")


def id_of(element: Any) -> str:
    """Return the id of a widget; nothing of what is none."""
    return str(getattr(getattr(element, element.WhichOneof("type") or "", None), "id", ""))


@contextlib.contextmanager
def tab(app: App) -> Iterator[Tab]:
    """Open a tab with nothing in it yet."""
    address = f"ws://127.0.0.1:{app.port}/_stcore/stream"
    with connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE) as socket:  # type: ignore[list-item]
        yield Tab(app, socket)


def at_once(visitors: list[Callable[[], None]]) -> list[BaseException]:
    """Let visitors do what they do, all at once; return what went wrong."""
    wrong: list[BaseException] = []

    def visit(what: Callable[[], None]) -> None:
        try:
            what()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=visit, args=(what,)) for what in visitors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong
