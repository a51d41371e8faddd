"""Questions, ranking, answers, and contact sheets of photos; start reading at `engine.py`.

May import from labeling, embeddings, catalog, crawlers and core.
"""
