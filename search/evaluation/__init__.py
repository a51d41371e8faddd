"""How well a space finds what belongs together; start reading at `metrics.py`.

May import from search, embeddings, catalog, crawlers and core, and pytorch-metric-learning, which
brings torch: only inside functions, so that searches load neither.
"""
