"""Networks are trained on pictures in memory; start reading at `siamese.py`.

`loop` runs any training: epochs, early stopping, checkpoints, progress. `siamese` says what is
learned, `card` stores the result. Like the rest of `embeddings` it imports `core` alone.
"""
