"""A market of used cars that no web has; the recipe's example."""
