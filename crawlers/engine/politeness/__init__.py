"""Politeness: user agent, robots.txt, delays, limits, and when a crawl stops. Start at `gate`."""
