"""Sources of photos: imports from disk, rendered scenes, and later the crawlers of web sites."""
