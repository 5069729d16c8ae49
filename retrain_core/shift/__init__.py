"""How new data differs from old: each column, the label, the concept, all columns together.

``MEASURES`` lists every measure; adding one is one function and one line there. The way of a report:
``columns`` reads both sides alike (``READINGS`` lists what a column can be taken for), ``column_evidence`` measures,
``multivariate`` and ``concept`` take all columns together, ``evidence`` adjusts and judges, ``overall`` says it.
"""

from retrain_core.shift.export import shift_json
from retrain_core.shift.frames import feature_frame
from retrain_core.shift.images import image_features
from retrain_core.shift.measures import MEASURES
from retrain_core.shift.readings import READINGS
from retrain_core.shift.report import shift_report
from retrain_core.shift.table import shift_table

__all__ = [
    "MEASURES",
    "READINGS",
    "feature_frame",
    "image_features",
    "shift_json",
    "shift_report",
    "shift_table",
]
