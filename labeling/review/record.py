"""Decisions of people become statements in the catalog, each of them once."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from catalog.table import Catalog
from core.assertions import Assertion
from labeling.label import add_assertions, load_assertions
from labeling.review.cases import is_disputed, spoken
from labeling.review.load import load_returned
from labeling.review.moments import latest_of
from labeling.review.resolve import PhotoIds, Statement, resolve, settle
from labeling.review.returned import LineProblem

_BATCH = 1_000

SKEW = timedelta(minutes=5)
"""The clocks of machines with synchronized time differ by less."""

Key = tuple[str, str]
"""A photo and an attribute."""


@dataclass(slots=True)
class ReviewCounts:
    """Counts of an import of files with decisions.

    `new` are the new decisions by person; `known` decisions are in the catalog already, those
    `twice` are repeated in the file; `empty` questions have no answer; `lines` are problems. Of the
    new decisions, `placed` correct earlier ones that are dated later, up to the time `ahead`.
    `photos` are those decided about.
    """

    new: Counter[str] = field(default_factory=Counter)
    known: int = 0
    twice: int = 0
    empty: int = 0
    lines: list[LineProblem] = field(default_factory=list)
    placed: int = 0
    ahead: datetime | None = None
    photos: int = 0

    @property
    def good(self) -> int:
        """Decisions that are in the catalog now."""
        return self.new.total() + self.known

    @property
    def refused(self) -> int:
        """How many lines were refused."""
        return sum(not line.kept for line in self.lines)

    def add(self, other: "ReviewCounts") -> None:
        """Add the counts and lines of another file."""
        self.new.update(other.new)
        self.known += other.known
        self.twice += other.twice
        self.empty += other.empty
        self.lines += other.lines
        self.placed += other.placed
        self.photos += other.photos
        self.ahead = max(filter(None, (self.ahead, other.ahead)), default=None)

    @property
    def clock_notice(self) -> str | None:
        """A warning about clocks; None where all decisions keep their dates."""
        if self.ahead is None:
            return None
        return (
            f"{self.placed:,} of the new decisions correct earlier ones that are dated later, up "
            f"to {self.ahead:%Y-%m-%d %H:%M} UTC, and were placed after those: the clock of this "
            "machine is behind, or one was ahead when they were made; look at `date`"
        )

    def to_dict(self, most: int = 1_000) -> dict[str, Any]:
        """JSON-ready values, with the first `most` lines."""
        return {
            "new": self.new.total(),
            "by": dict(self.new.most_common()),
            "known": self.known,
            "twice": self.twice,
            "empty": self.empty,
            "refused": self.refused,
            "placed": self.placed,
            "lines": [line._asdict() for line in self.lines[:most]],
            "more_lines": max(0, len(self.lines) - most),
        }


def import_file(catalog: Catalog, path: Path, by: str | None, *, run_id: str) -> ReviewCounts:
    """Store the decisions of a `review.csv` or of an export of Label Studio.

    All new decisions of a file are stored in one commit, so that a broken import can be repeated
    and adds nothing twice.
    """
    now = datetime.now(UTC)
    returned = load_returned(path, by)
    ids = PhotoIds(catalog.column("images", "image_id").to_pylist()) if returned.answers else None
    found, lines = resolve(returned.answers, catalog.vocabulary, ids, now) if ids else ([], [])
    decided, torn, twice = settle(found)
    past = load_decisions(catalog, {each.image_id for each in decided})
    made, known, ahead = news(decided, past, now)
    added = {each.assertion_id for each in add_assertions(catalog, made, run_id=run_id)}
    known += len(made) - len(added)  # another import was first
    every = [*(each for some in past.values() for each in some), *made]
    told = [*returned.lines, *lines, *torn, *disputes(decided, every)]
    told.sort(key=lambda line: [int(number) for number in re.findall(r"\d+", line.where)])
    told = [line._replace(where=f"{path.name}, {line.where}") for line in told]
    return ReviewCounts(
        Counter(each.by for each in made if each.assertion_id in added),
        known,
        twice,
        returned.empty,
        told,
        placed=len(ahead),
        ahead=max(ahead, default=None),
        photos=len({each.image_id for each in decided}),
    )


def news(
    decided: Sequence[Statement], past: Mapping[Key, Sequence[Assertion]], now: datetime
) -> tuple[list[Assertion], int, list[datetime]]:
    """The statements of one file that `past` lacks, the number of those that it has, and the dates
    of statements that a wrong clock dated after those that correct them.

    A statement with a time is known if the same person said the same at that time. One without a
    time is known if that person said the same last. All statements about one thing have different
    times, so that there is always a latest one: see `_moment`.
    """
    said = {key: list(some) for key, some in past.items()}
    made: list[Assertion] = []
    ahead: list[datetime] = []
    for each in sorted(decided, key=lambda statement: statement.at):
        there = said.setdefault((each.image_id, each.attribute), [])
        if (new := _new(each, there, now)) is not None:
            before = past.get((each.image_id, each.attribute), ())
            later = [old.created_at for old in before if each.at < _said_at(old) < new.created_at]
            ahead += [max(later)] if later else []
            made.append(new)
            there.append(new)
            there.sort(key=_age)
    return made, len(decided) - len(made), ahead


def _new(each: Statement, there: Sequence[Assertion], now: datetime) -> Assertion | None:
    mine = [said for said in there if said.by == each.by]
    same = [said for said in mine if _says(said) == (frozenset(each.values), each.one_of)]
    if each.said_at:
        known = any(said.version == each.said_at for said in same)
    else:
        known = bool(mine) and mine[-1] in same
    if known:
        return None
    return Assertion(
        image_id=each.image_id,
        attribute=each.attribute,
        values=each.values,
        one_of=each.one_of,
        confidence=None,
        origin="human",
        by=each.by,
        # A part of the statement's id, so that a return to an earlier decision counts, and two
        # imports of one file at the same moment store it once.
        version=each.said_at,
        about="",
        created_at=_moment(each, there, now),
        revision=0 if each.said_at else sum(not said.version for said in mine),
    )


def _moment(each: Statement, there: Sequence[Assertion], now: datetime) -> datetime:
    """The time at which a statement counts as made: its own, but after all that it corrects.

    It corrects earlier statements, and those that a fast clock dated after `now`. A statement
    without a time of its own is made now and corrects all others. Later statements stay later.
    """
    others = [said for said in there if each.said_at and not _corrects(each, said, now)]
    before = [said.created_at for said in there if said not in others]
    step = timedelta(microseconds=1)
    at = max(each.at, max(before, default=each.at - step) + step)
    at = min([at, *(said.created_at - step for said in others)])
    while any(said.created_at == at for said in there):
        at += -step if others else step
    return at


def _corrects(each: Statement, said: Assertion, now: datetime) -> bool:
    when = _said_at(said)
    return when <= each.at or when > now + (SKEW if said.by != each.by else timedelta(0))


def _said_at(said: Assertion) -> datetime:
    """When it was said; it may have been placed after another one."""
    own = latest_of(said.version)
    return said.created_at if own is None else min(own, said.created_at)


def disputes(decided: Iterable[Statement], said: Iterable[Assertion]) -> list[LineProblem]:
    """The lines of a file about which people disagree, by all that they `said` so far."""
    last: dict[Key, dict[str, Assertion]] = defaultdict(dict)
    for made in sorted(said, key=_age):
        last[made.image_id, made.attribute][made.by] = made
    lines = []
    for each in decided:
        people = sorted(last[each.image_id, each.attribute].values(), key=_age)
        others = [one for one in people if _says(one) != _says(people[-1])]
        if is_disputed(len(people), len(others)):
            told = ", ".join(f"{one.by} says {_text(one)}" for one in people)
            do = f"all is kept, and {_text(people[-1])} counts as the latest; decide it together"
            lines.append(LineProblem(each.where, f"{each.attribute}: {told}", do, kept=True))
    return lines


def load_decisions(catalog: Catalog, image_ids: Iterable[str]) -> dict[Key, list[Assertion]]:
    """The decisions of people about these photos, by photo and attribute, the oldest first."""
    found: dict[Key, list[Assertion]] = defaultdict(list)
    wanted = sorted(image_ids)
    for start in range(0, len(wanted), _BATCH):
        for key, said in load_assertions(catalog, wanted[start : start + _BATCH]).items():
            for each in said:
                if each.origin == "human":
                    found[key, each.attribute].append(each)
    for some in found.values():
        some.sort(key=_age)
    return found


def _says(said: Assertion) -> tuple[frozenset[str], bool]:
    return frozenset(said.values), said.one_of


def _text(said: Assertion) -> str:
    return spoken(said.values, one_of=said.one_of)


def _age(said: Assertion) -> tuple[datetime, str]:
    return said.created_at, said.assertion_id
