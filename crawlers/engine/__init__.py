"""What runs a crawl of any site: politeness, the store, pipelines, and the process."""
