"""Rendered scenes, a replica of the sites, and the training of the project's small models."""
