"""What a model file is, read statically: Keras is not imported and nothing in the file is run.

checked      everybody's way in: a process of its own reads the file, its limits and its errors
reply        what that process says

In that process, which is ``retrain_core.workers.reading``:

archive      which container it is, and its members, within limits
config       every name in the config held against the allow-list in ``allowed``
sizes        what the config's integers imply, before anything is allocated
weights      the HDF5 side: plain numbers in plain groups
graph        layers, inputs and outputs; ``output`` for the last layer, ``layers`` for their weights
vocabulary   lookup layers have their vocabulary with them
compiled     loss, optimizer, and the task that follows
card         all of it together, as a ``ModelCard``
rebuild      the new file that Keras loads, from what was checked; ``arrays`` for its HDF5 side
"""

from retrain_core.models.allowed import ALLOWED
from retrain_core.models.checked import checked_card

__all__ = ["ALLOWED", "checked_card"]
