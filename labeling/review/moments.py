"""The times at which people decided, as they wrote them."""

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].+)?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_A_DAY = timedelta(days=1)
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

HELP = "write it as 2026-11-20, 2026-11-20 14:30 or 2026-11-20T14:30:00+01:00"


def read_moment(text: str, now: datetime) -> tuple[datetime, str]:
    """The time that `text` names, and its normalized spelling.

    A day without a time means its end; a time without a zone is UTC. Clocks and zones differ, so a
    time up to a day after `now` counts as `now`. Raises `ValueError` for anything else: for a later
    time, as it would count as later than all decisions to come, and for a year before 2000, which
    is a typo.
    """
    said, is_day = _read(" ".join(text.split()))
    spelling = said.date().isoformat() if is_day else said.isoformat()
    if said - now > _A_DAY:
        raise ValueError(f"{text[:80]!r} lies ahead: here it is {now:%Y-%m-%d %H:%M} UTC")
    if said < _EARLIEST:
        raise ValueError(f"{text[:80]!r} lies before the year {_EARLIEST.year}")
    return min(_end(said, is_day=is_day), now), spelling


def latest_of(spelling: str) -> datetime | None:
    """The latest time that a text can mean; None for a text that is not a time."""
    try:
        said, is_day = _read(spelling)
    except ValueError:
        return None
    return _end(said, is_day=is_day)


def _end(said: datetime, *, is_day: bool) -> datetime:
    return said + _A_DAY - timedelta(microseconds=1) if is_day else said


def _read(text: str) -> tuple[datetime, bool]:
    try:
        if dotted := _DOTTED.fullmatch(text):
            day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=UTC), not dotted[4]
        if iso := _ISO.fullmatch(text):
            said = datetime.fromisoformat(text)
            zoned = said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
            return zoned, not iso[1]
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:80]!r} is not a time that can be read") from error
    raise ValueError(f"{text[:80]!r} is not a time that can be read")
