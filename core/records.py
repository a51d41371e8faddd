"""What a source yields: a photo with the place it was seen at, or a drop with its reason.

Words stay as the source gave them, but for characters that nobody sees, which no record holds,
whoever makes it; what they mean is decided in `labeling`. Records hold plain data only, so that
they can be sent to another process.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from core.errors import MarqueError
from core.text import clean, visible

LONGEST_WORD = 10_000
"""So many letters a word of a site may have; the rest is cut off."""

RENDERED = "scenes"
"""The source whose photos the project renders itself, into a folder."""

REPLICA = "-replica"
"""How the name of a source ends that is a replica."""


def replica_of(source: str) -> str:
    """The name of what a replica of a web source brings: rendered too, and never mixed with what
    the source itself brings."""
    return f"{source}{REPLICA}"


class Box(NamedTuple):
    """A rectangle in pixels of the photo as it is shown; `x1` and `y1` are the first outside."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place where a photo was seen.

    `source` and `source_id` together name the place and are the same on every run. `words` maps a
    field to the source's own word for it; a field named like an attribute of the vocabulary
    (`body_type`, `model_year`) is a statement about the photo, any other is kept as it is; none is
    named like a field below.

    `teller` is the table that says all this, "" the source itself. What the same teller said before
    of the fields that it `covers`, or of those that it fills now, is replaced, and the rest stays:
    None covers all, as the page of a site does, and () none, as a folder of photos does.
    """

    source: str
    source_id: str
    words: dict[str, str] = field(default_factory=dict)
    page_url: str | None = None
    image_url: str | None = None
    license: str | None = None
    license_url: str | None = None
    creator: str | None = None
    attribution: str | None = None
    split: str | None = None
    box: Box | None = None
    teller: str = ""
    covers: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Clean all words; the id, by which the place is known, stays as it is."""
        _clean_words(self, ("page_url", "image_url", *_RIGHTS, "split"))


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that a source has: where it was seen, and its bytes or the file that holds them.

    `sha256` (hex) is that of the bytes, where the source knows it: then they are not read where
    they are in the catalog already. Without `content` the photo is not taken, and what is said of
    it counts only if it was taken before: its site shows it no more, or not freely any more.
    """

    sighting: Sighting
    content: bytes | Path | None
    sha256: str | None = None

    def read(self) -> bytes:
        """The photo's bytes, read from disk if need be; raises `OSError` if that fails."""
        if isinstance(self.content, Path):
            return self.content.read_bytes()
        return self.content or b""


@dataclass(frozen=True, slots=True)
class PhotoLink:
    """A photo that a page of a web site shows: its id there, and the address of its bytes.

    `version` tells other bytes under the same id: another size, or a file that was replaced.
    """

    source_id: str
    url: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a web site that shows photos: an advert, or the page of a file.

    `listing_id` names it for good. `stamp` is another one when the page shows something else, so
    that what is known of it has to be asked again. `words` are those of a `Sighting` of each of
    its photos, and so are the rights.
    """

    source: str
    listing_id: str
    page_url: str
    stamp: str
    words: dict[str, str]
    photos: tuple[PhotoLink, ...]
    license: str | None = None
    license_url: str | None = None
    creator: str | None = None
    attribution: str | None = None

    def __post_init__(self) -> None:
        """Clean all words, and cut them to `LONGEST_WORD`: a site is not trusted with its size."""
        _clean_words(self, ("page_url", *_RIGHTS), LONGEST_WORD)


@dataclass(frozen=True, slots=True)
class Drop:
    """Something a source could not yield as a photo: `reason` is a short constant, to be counted.

    `detail` says the rest for a person: the value that was wrong, and what to do. What nobody sees
    in it is escaped and not taken out, as it may be what was wrong.
    """

    source: str
    source_id: str
    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        """Escape what is for a person."""
        object.__setattr__(self, "detail", visible(self.detail))


@dataclass(frozen=True, slots=True)
class Notice:
    """Something worth telling that loses no photo: counted by `text`, with one `example`. What
    nobody sees in them is escaped."""

    text: str
    example: str = ""

    def __post_init__(self) -> None:
        """Escape what is for a person."""
        object.__setattr__(self, "text", visible(self.text))
        object.__setattr__(self, "example", visible(self.example))


_RIGHTS = ("license", "license_url", "creator", "attribution")


def _clean_words(
    record: Sighting | Listing, names: Sequence[str], longest: int | None = None
) -> None:
    """Clean the words and the fields `names` of a frozen record; what nobody sees any of is left
    out."""
    words = {}
    for name, word in record.words.items():
        cleaned = clean(word)[:longest]
        if cleaned or not word:
            words[clean(name)] = cleaned
    if words != record.words:
        object.__setattr__(record, "words", words)
    for name in names:
        if given := getattr(record, name):
            object.__setattr__(record, name, clean(given)[:longest] or None)


class SourceError(MarqueError):
    """A source cannot be read at all; the message says what was found and what to do."""


def count_seen(records: Iterable[Photo | Drop | Notice]) -> int:
    """How many photos and drops there are; notices are about them and count as nothing."""
    return sum(not isinstance(record, Notice) for record in records)


class Source(Protocol):
    """A place to take photos from: a folder, a data set, and later the result of a crawl."""

    @property
    def name(self) -> str:
        """The `source` of its sightings."""
        ...

    def count(self) -> int | None:
        """How many photos and drops `records` will yield, if that can be known beforehand."""
        ...

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """Everything the source holds, in a stable order."""
        ...
