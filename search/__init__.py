"""Questions, ranking, answers and contact sheets.

It imports `catalog`, `embeddings` and `core`. Start with `search.query` and `search.engine`.
"""
