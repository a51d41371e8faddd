"""The checks of `marque doctor`; no check changes anything. `table.py` lists them."""
