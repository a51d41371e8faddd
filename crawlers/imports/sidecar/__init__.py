"""A table of facts beside photos: CSV, JSON or JSON lines."""
