"""The errors that are for people: their message says what was wrong, with the value, and what to
do. Any other exception that reaches the command line is a fault of Marque's own."""


class MarqueError(Exception):
    """The work cannot be done."""


class UsageMistakeError(MarqueError, ValueError):
    """What was asked for makes no sense; asking otherwise will help."""
