"""The command line: one file a command, and `checks/` of the doctor; start at `__main__.py`.

May import from every room; prints through `terminal.py` alone.
"""
