"""Files in, arrays out: readers, what the columns mean for a model, and the one split.

``READERS`` lists the formats; adding one is one function and one line.
"""

from retrain_core.data.encode import encode, label_text, row_keys
from retrain_core.data.readers import READERS, read_table
from retrain_core.data.schema import (
    LOSSES,
    check,
    infer_label,
    infer_schema,
)
from retrain_core.data.split import Split, split

__all__ = [
    "LOSSES",
    "READERS",
    "Split",
    "check",
    "encode",
    "infer_label",
    "infer_schema",
    "label_text",
    "read_table",
    "row_keys",
    "split",
]
