"""The errors that are for people: their message says what was wrong, with the value, and what to
do. Any other exception that reaches the command line is a fault of Marque's own."""


class MarqueError(Exception):
    """The work cannot be done."""


class UsageMistakeError(MarqueError, ValueError):
    """What was asked for makes no sense; asking otherwise will help."""


class DriftError(MarqueError):
    """What a site answers has changed: a path that is read is not there any more, or holds
    something else. `path` names it, as JSON; `what` says what is wrong with it."""

    def __init__(self, path: str, what: str) -> None:
        step = "the site's answers have changed, and a newer Marque is needed to read them"
        super().__init__(f"drift: {path} {what}: {step}")
        self.path = path


INTERRUPTED = "Interrupted; run the same command to go on"
"""What a person who ended a run reads, of the command and in its report."""
