"""Search of the published photos by text, by photo and by filters.

Holds parsing of queries, ranking, and contact sheets. May import `labeling`, `embeddings`,
`catalog`, `crawlers` and `core`. Start reading at `search.engine`.
"""
