"""What a run reports: its record, tables, charts, contact sheets and progress."""
