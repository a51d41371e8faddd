"""Questions, ranking, answers."""
