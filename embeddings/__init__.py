"""Photos and texts become vectors."""
