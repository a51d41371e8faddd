"""The command line: one module a command, and the checks of the doctor.

It may import every room. Start with `marque.__main__` and `marque.common`, what the commands share;
all printing goes through `marque.terminal`.
"""
