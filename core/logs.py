"""Log records for terminals and web pages: unseen characters in them are escaped."""

import logging

from core.text import visible_lines


class VisibleRecord(logging.LogRecord):
    """A log record whose message and traceback hold no characters that a terminal acts on."""

    _traceback: str | None = None

    def getMessage(self) -> str:  # noqa: N802 - the name that logging calls
        """The message with its arguments, escaped. Later lines are indented, so that none of them
        looks like a new record."""
        return visible_lines(super().getMessage()).replace("\n", "\n  ")

    @property
    def exc_text(self) -> str | None:
        """The traceback text that the first formatter cached for the others."""
        return self._traceback

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        """Store a traceback, escaped."""
        self._traceback = text and visible_lines(text)


def escape_logs() -> None:
    """Make every later log record of this process a `VisibleRecord`."""
    logging.setLogRecordFactory(VisibleRecord)
