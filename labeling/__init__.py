"""Labels: assertions of sources, networks and people, and the labels that result.

Holds the labelers, the consensus of assertions, review by people, quality, and publishing of rows
of `cars`. May import `embeddings`, `catalog`, `crawlers` and `core`. Start reading at
`labeling.label`, then `labeling.consensus`.
"""
