"""Fine-tuning, evaluation and prediction on top of core."""

import os

# Read by OpenMP when torch is first imported, so it stands here. Threads that wait by spinning take the cores from the
# bot and from each other: on two busy cores an epoch then took 10 to 37 s in place of 8.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
