"""What a person should look at next, and what people decided."""
