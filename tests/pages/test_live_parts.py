"""The live curves: drawn anew each second, at nobody else's expense."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages._ui import text


def page() -> None:
    from types import SimpleNamespace

    from pages._ui.live_parts import _draw_curves
    from retrain_core.runs import RunState
    from retrain_core.types import RunSpec

    spec = RunSpec("full-0", "20261126-000000-abcd", "full", {}, 0)
    curve = (
        {"epoch": 1, "rows_seen": 100, "seconds": 1.0, "loss": 0.5, "val_loss": 0.6, "val_accuracy": 0.7},
    )
    experiment = SimpleNamespace(schema=SimpleNamespace(task="binary"))
    _draw_curves(experiment, (RunState(spec, "running", curve=curve),))


def test_live_curves_push_nothing_out_of_the_figures_that_all_share(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[object] = []
    monkeypatch.setattr(text, "_figure", lambda *values: kept.append(values))
    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception, app.exception
    assert len(app.get("plotly_chart")) == 2 and not kept
