"""Wikimedia Commons: freely licensed photos of cars, by its API."""
