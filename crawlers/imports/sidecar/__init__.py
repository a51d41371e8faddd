"""A table of facts beside photos: CSV, JSON lines or Parquet."""
