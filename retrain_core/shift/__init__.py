"""How new data differs from old: each column, the label, the concept, all columns together.

``MEASURES`` lists every measure; adding one is one function and one line there. The way of a report:
``columns`` reads both sides alike, ``column_evidence`` measures, ``together`` asks what takes all columns together
(``multivariate``, ``concept``, ``given_label``), ``evidence`` adjusts and judges, ``kinds`` tells which kind of shift
it is, ``overall`` says it.
"""

from retrain_core.shift.export import shift_json
from retrain_core.shift.frames import feature_frame
from retrain_core.shift.images import image_features
from retrain_core.shift.measures import MEASURES
from retrain_core.shift.report import shift_report
from retrain_core.shift.table import shift_table

__all__ = [
    "MEASURES",
    "feature_frame",
    "image_features",
    "shift_json",
    "shift_report",
    "shift_table",
]
