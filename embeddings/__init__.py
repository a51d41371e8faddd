"""Photos and texts become vectors.

It imports `core` alone. Start with `embeddings.registry`, models as
records, and `embeddings.engine`, which runs one over photos.
"""

import os

# OpenMP reads this when torch is imported. By default its threads spin while they wait for each
# other, which beside another busy program makes two threads several times slower than one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
