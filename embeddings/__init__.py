"""Embedding models: photos and texts -> vectors.

Holds models, their weights, tokenizers, preparation of photos, and the choice of the fastest
configuration. May import `catalog`, `crawlers` and `core`; torch is used only here, in `labeling`
and in `synthetic`. Start reading at `embeddings.engine`, then `embeddings.models`.
"""

import os

# OpenMP reads this when torch is imported. By default its threads spin while they wait for each
# other, which beside another busy program makes two threads several times slower than one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
