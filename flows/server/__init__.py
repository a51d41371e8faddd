"""The Prefect server: finding the one in use, and running that of a home."""
