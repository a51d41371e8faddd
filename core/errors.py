"""Errors for people: the message says what was wrong, with the value, and what to do. Any other
exception that reaches the command line is a bug in Marque."""


class MarqueError(Exception):
    """The work cannot be done."""


class UsageMistakeError(MarqueError, ValueError):
    """The request makes no sense; a corrected request will work."""


class DriftError(MarqueError):
    """A site's answers have changed: a path that Marque reads is absent or holds something else.
    `path` is that JSON path; `what` says what is wrong with it."""

    def __init__(self, path: str, what: str) -> None:
        step = "the site's answers have changed, and a newer Marque is needed to read them"
        super().__init__(f"drift: {path} {what}: {step}")
        self.path = path


class ReasonedError(Exception):
    """An error whose `reason` is a constant for counts; `detail` explains it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)  # both: pickle calls the class with `args`
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


INTERRUPTED = "Interrupted; run the same command to continue"
"""The message for the user who stopped a run, on the terminal and in the report."""
