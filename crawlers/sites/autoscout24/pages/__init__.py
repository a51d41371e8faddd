"""AutoScout24's pages: what a search page and an offer say, read from their `__NEXT_DATA__`."""
