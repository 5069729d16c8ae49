"""A short form of the soak: use leaves nothing behind. An hour of it is a benchmark."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from retrain_core.runs.store import Store
from tests.benchmarks.soak import FORGETFUL, held, let_go, one_round, sample
from tests.browsing import tab
from tests.serving import App, serving

MOST_MB = 60.0  # of caches: a file that is read again in every round would take more
POOL = 2  # threads that a pool of the server or the runner may make later than in the first rounds; it keeps them


@pytest.mark.timeout(900)
def test_use_leaves_no_file_thread_or_process_behind_and_little_memory(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    with serving(App(store.root, settings=FORGETFUL)) as app:
        found = []
        for rounds in (2, POOL + 1):  # one thread a round is more than a pool may make
            for number in range(rounds):
                with tab(app) as page:
                    one_round(page, random.Random(number))
                    assert not page.errors
            let_go(app)
            found.append((sample(app, store, 0.0), held(app)))
        (before, base), (after, left) = found
        more = [now - then for now, then in zip(left, base, strict=True)]
        threads, others = [more[1], more[4]], [more[0], *more[2:4], *more[5:]]
        assert max(threads) <= POOL and others == [0] * 4, (base, left)
        assert after.server_mb - before.server_mb < MOST_MB
        assert after.runner_mb - before.runner_mb < MOST_MB
