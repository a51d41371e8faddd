"""One folder a site: its facts, query, pages and spider."""
