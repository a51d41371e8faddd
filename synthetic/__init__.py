"""Rendered scenes, a replica of the sites, and the training of the project's small models.

It imports every room but `search`, `flows` and `marque`; only commands, tests and benchmarks import
it. Start with `synthetic.scenes.scene`, `synthetic.replica.server` or `synthetic.tiny.train`.
"""
