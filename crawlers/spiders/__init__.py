"""Where to go next on each site; reading its pages is for `crawlers.pages`."""
