"""When a person decided, as they wrote it."""

import re
from datetime import UTC, datetime, timedelta

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].+)?")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?)?")
_A_DAY = timedelta(days=1)

HELP = "write it as 2026-11-20, 2026-11-20 14:30 or 2026-11-20T14:30:00+01:00"


def read_moment(text: str, now: datetime) -> tuple[datetime, str]:
    """The time that `text` names, and one spelling of it that is the same for the same time.

    A day without a time is its end; a time without a zone is UTC. Clocks and zones differ, so up to
    a day after `now` counts as `now`. Raises `ValueError` for anything else, and for what lies
    further ahead: it would outlive every later decision.
    """
    said, is_day = _read(" ".join(text.split()))
    spelling = said.date().isoformat() if is_day else said.isoformat()
    if said - now > _A_DAY:
        raise ValueError(f"{text!r} lies ahead")
    end = said + _A_DAY - timedelta(microseconds=1) if is_day else said
    return min(end, now), spelling


def _read(text: str) -> tuple[datetime, bool]:
    if dotted := _DOTTED.fullmatch(text):
        day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
        said = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        return said, dotted[4] is None
    if not (iso := _ISO.fullmatch(text)):
        raise ValueError(f"{text!r} is no time that is understood")
    try:
        said = datetime.fromisoformat(text)
        zoned = said.replace(tzinfo=UTC) if said.tzinfo is None else said.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text!r} is no time that is understood") from error
    return zoned, iso[1] is None
