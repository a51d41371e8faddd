"""Wikimedia Commons: what its API is asked, and what its answers say."""
