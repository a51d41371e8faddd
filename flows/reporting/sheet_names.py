"""The names of contact sheets of runs: all that the server needs to know of them."""

import re

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SHEET_NAME = re.compile(rf"{UUID}\.png")
"""The name of a run's sheet: the run's id, which cannot be guessed."""
