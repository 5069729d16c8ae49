"""A chart of a report."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go


@dataclass(frozen=True)
class Chart:
    """A figure and what it says.

    Args:
        key: Its id in the document.
        title: What it shows.
        words: What is to be seen on it.
        figure: The figure.
        remarks: What else should be known.
    """

    key: str
    title: str
    words: str
    figure: go.Figure
    remarks: tuple[str, ...] = ()

    @property
    def height(self) -> int:
        """In pixels, so that the page does not jump when it is drawn."""
        return int(self.figure.layout.height)
