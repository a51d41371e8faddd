"""Lines of logs, which end on a terminal or in a page: what nobody sees in them is written out."""

import logging

from core.text import visible_lines


class VisibleRecord(logging.LogRecord):
    """A record whose message and traceback hold nothing that a terminal would act on."""

    _traceback: str | None = None

    def getMessage(self) -> str:  # noqa: N802 - the name that logging calls
        """The message with its arguments, as it can be shown; no line but the first begins where
        records begin."""
        return visible_lines(super().getMessage()).replace("\n", "\n  ")

    @property
    def exc_text(self) -> str | None:
        """The traceback that the first formatter made, kept for the others."""
        return self._traceback

    @exc_text.setter
    def exc_text(self, text: str | None) -> None:
        """Keep a traceback as it can be shown."""
        self._traceback = text and visible_lines(text)


def escape_logs() -> None:
    """Let every record that is made from now on in this process be a `VisibleRecord`."""
    logging.setLogRecordFactory(VisibleRecord)
