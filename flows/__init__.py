"""Prefect flows and tasks, settings, run reports."""
