"""Sources that are already on disk."""
