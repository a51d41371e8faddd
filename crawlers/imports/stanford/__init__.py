"""Stanford Cars (Cars-196), in all layouts in which it is distributed. Start at `read`."""
