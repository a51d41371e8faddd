"""The report of a run: its record, tables, charts, contact sheets and progress."""
