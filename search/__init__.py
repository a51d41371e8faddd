"""Questions, ranking, answers and contact sheets.

It imports `labeling` and what stands below. Start with `search.query` and `search.engine`.
"""
