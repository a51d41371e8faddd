"""The stages of a run, each over shards of photos."""
