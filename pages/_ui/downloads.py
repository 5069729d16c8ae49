"""Downloads that are made when somebody asks for them, and that are still there when their browser fetches them.

Streamlit forgets such a file as soon as two other pages have been drawn: it belongs to no page. On a busy server that is sooner
than a browser comes for it, and the download fails. So each is held for a minute, as one that no session asks for.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit import runtime

from retrain_core.machine import give_back_own_memory

HELD_SECONDS = 60.0  # after the last download
MOST_HELD = 16  # files; a later one takes the place of the oldest
NOBODY = "dontcare"  # what Streamlit calls the session of a file that is made outside of any

_places = itertools.cycle(range(MOST_HELD))
_lock = threading.Lock()
_timer = threading.Timer(HELD_SECONDS, lambda: None)


def download(
    label: str,
    make: Callable[[], str | bytes],
    file_name: str,
    mime: str,
    *,
    key: str | None = None,
    primary: bool = False,
) -> None:
    """Draw a button for a file.

    Args:
        label: What the file is.
        make: Makes it, when the button is pressed.
        file_name: How it is called.
        mime: Its type.
        key: Of the button.
        primary: Whether it is what the page is for.
    """
    st.download_button(
        label,
        data=partial(_held, make, file_name, mime),
        file_name=file_name,
        mime=mime,
        key=key,
        type="primary" if primary else "secondary",
        icon=":material/download:",
        on_click="ignore",
    )


def _held(make: Callable[[], str | bytes], file_name: str, mime: str) -> bytes:
    """Return the file; the server keeps it for who has asked for it."""
    global _timer
    made = make()
    data = made.encode() if isinstance(made, str) else made
    if runtime.exists():
        files = runtime.get_instance().media_file_mgr
        with _lock:
            _timer.cancel()
            files.add(data, mime, f"held-{next(_places)}", file_name, is_for_static_download=True)
            _timer = threading.Timer(HELD_SECONDS, files.clear_session_refs, [NOBODY])
            _timer.daemon = True
            _timer.start()
    del made
    give_back_own_memory()
    return data
