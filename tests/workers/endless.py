"""A module whose import does not end, as that of a large library on a busy machine seems not to."""

import time

print("{}", flush=True)  # it has begun
time.sleep(3600)
