"""The answer to take away: one HTML file that opens offline, and tables for spreadsheets."""

from retrain_core.report.page import render

__all__ = ["render"]
