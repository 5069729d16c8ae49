"""Few at a time: what keeps the processor busy for all visitors, so that each waits for its turn, not for all turns.

Threads of one process share one lock of the interpreter. Ten answers that are worked out at once are all ready as late as the
last, and every page in between gets an eleventh of the time. What runs within is to ask for nothing else that is kept
here or in Streamlit's caches: whoever holds that may be waiting for this.
"""

from __future__ import annotations

import threading

ANSWERS = threading.BoundedSemaphore(2)  # so that one of a million rows does not keep all small ones waiting
FIGURES = threading.Lock()
