"""Labels become rows of `cars`, which are checked and published for searches to read."""
