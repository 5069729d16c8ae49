"""How new data differs from old: each column, the label, the concept, all columns together.

``MEASURES`` lists every measure; adding one is one function and one line there. The way of a report:
``columns`` reads both sides alike (``READINGS`` lists what a column can be taken for), ``column_evidence`` measures,
``together`` takes all columns at once, ``kinds`` tells which kind of shift it is, ``evidence`` adjusts and judges,
``overall`` says it; ``whole`` adds the drift in ``time`` and what ``peers`` would say. ``seen`` asks the same of the old
model: whether its ``predictions`` and its last ``layer`` but one moved, where the change of its loss comes from
(``loss_change``), where it has become worse (``regions``), and which rows are ``unusual`` to it.
"""

from retrain_core.shift.export import model_json, shift_json
from retrain_core.shift.frames import feature_frame
from retrain_core.shift.images import image_features
from retrain_core.shift.measures import MEASURES
from retrain_core.shift.readings import READINGS
from retrain_core.shift.report import shift_report
from retrain_core.shift.seen import model_shift
from retrain_core.shift.table import shift_table

__all__ = [
    "MEASURES",
    "READINGS",
    "feature_frame",
    "image_features",
    "model_json",
    "model_shift",
    "shift_json",
    "shift_report",
    "shift_table",
]
