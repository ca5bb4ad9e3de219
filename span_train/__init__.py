"""Learn what a part looks like from unlabelled images, then tell good from defective."""

import os

# Read when torch loads: how long a thread that waits for the others keeps its processor. GNU's
# usual patience makes a training 14 times slower as soon as another program wants one processor.
os.environ.setdefault("GOMP_SPINCOUNT", "3000")
