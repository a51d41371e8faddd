"""Measurements, and the pages in docs/ that they write."""
