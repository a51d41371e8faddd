"""Rendered scenes, a replica of the sites, and the training of the project's small models.

It imports `core`, `embeddings` and `labeling`; only `marque`, tests and benchmarks import it. Start
with `synthetic.scenes.scene`, `synthetic.replica.server` or `synthetic.tiny.train`.
"""
