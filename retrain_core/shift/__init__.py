"""How new data differs from old: each column, the label, the concept, all columns together.

``MEASURES`` lists every measure; adding one is one function and one line there.
"""

from retrain_core.shift.columns import ColumnPair, pair_columns
from retrain_core.shift.estimate import Estimate
from retrain_core.shift.export import shift_json
from retrain_core.shift.images import image_features
from retrain_core.shift.levels import Thresholds
from retrain_core.shift.measures import MEASURES, MeasureInfo
from retrain_core.shift.report import shift_report

__all__ = [
    "MEASURES",
    "ColumnPair",
    "Estimate",
    "MeasureInfo",
    "Thresholds",
    "image_features",
    "pair_columns",
    "shift_json",
    "shift_report",
]
