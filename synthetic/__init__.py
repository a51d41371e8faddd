"""Rendered scenes, a replica of the sites, and the training of the project's small models.

Holds `scenes` (the renderer), `replica` (the sites as a server on this machine), `tiny` and `masks`
(training and evaluation of both small models). May import `labeling`, `embeddings`, `catalog`,
`crawlers` and `core`. Start reading at `synthetic.scenes.painter` and `synthetic.replica.server`.
"""
