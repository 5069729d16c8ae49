"""A port of this machine that notices whoever comes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.listening import Listener


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener
