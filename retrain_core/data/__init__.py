"""Files in, arrays out: readers, what the columns mean for a model, and the one split.

``READERS`` lists the formats and ``LOSSES`` what each loss fits; adding one is one function or line.
The way of the data: ``readers`` choose among ``csv_file``, ``parquet_file`` and ``npz`` by what ``formats`` tells, ``labels``, ``classes``, ``losses`` and ``bindings`` infer what
``schema`` puts together, ``encode`` and ``targets`` make arrays, ``checks`` says what was found, ``split`` splits.
"""

from retrain_core.data.bindings import without_ids
from retrain_core.data.checks import check
from retrain_core.data.encode import encode, row_keys
from retrain_core.data.labels import chosen_labels, infer_labels, labels_wanted
from retrain_core.data.losses import LOSSES
from retrain_core.data.readers import READERS, read_table
from retrain_core.data.schema import infer_schema
from retrain_core.data.split import Split, split
from retrain_core.data.values import label_text

__all__ = [
    "LOSSES",
    "READERS",
    "Split",
    "check",
    "chosen_labels",
    "encode",
    "infer_labels",
    "infer_schema",
    "label_text",
    "labels_wanted",
    "read_table",
    "row_keys",
    "split",
    "without_ids",
]
