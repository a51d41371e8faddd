"""What `marque doctor` looks at; no check changes anything. `table.py` lists them."""
