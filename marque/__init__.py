"""The command line: one file per command, and `checks` for `marque doctor`.

May import every other room. Start reading at `marque.__main__`.
"""
