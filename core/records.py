"""Records that a source yields: a photo and the place where it was seen, or a drop and its reason.

Words stay as the source gave them; only unseen characters are removed, in every record. `labeling`
decides what words mean. Records hold plain data, so that they can be sent to another process.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from core.errors import MarqueError
from core.text import clean, visible

LONGEST_WORD = 10_000
"""Most characters of a word of a site; the rest is cut off."""

RENDERED = "scenes"
"""The source of the photos that the project renders into a folder."""

REPLICA = "-replica"
"""The suffix of a source that is a replica."""


def replica_of(source: str) -> str:
    """The source name for photos from a replica of a web source: they are rendered, and are never
    mixed with photos of the source itself."""
    return f"{source}{REPLICA}"


class Box(NamedTuple):
    """A rectangle in pixels of the displayed photo; `x1` and `y1` are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """One place where a photo was seen.

    `source` and `source_id` together identify the place and are the same on every run. `words` maps
    a field to the source's own word for it. A field named like an attribute of the vocabulary
    (`body_type`, `model_year`) is a statement about the photo; any other field is kept as it is.
    No field of `words` has the name of a field below.

    `teller` is the table that states all this, or "" for the source itself. A sighting replaces
    what the same teller stated before about the fields in `covers` and about the fields that it
    fills now; other fields stay. `covers=None` covers all fields, as the page of a site does; `()`
    covers no field, as a folder of photos does.
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
        """Clean all words. The id stays as it is: it identifies the place."""
        _clean_words(self, ("page_url", "image_url", *_RIGHTS, "split"))


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo of a source: where it was seen, and its bytes or the file that holds them.

    `sha256` (hex) is the hash of the bytes, if the source knows it: bytes that are in the catalog
    already are then not read. A photo without `content` is not added; its facts count only if it
    was added before (its site no longer shows it, or no longer under a free license).
    """

    sighting: Sighting
    content: bytes | Path | None
    sha256: str | None = None

    def read(self) -> bytes:
        """The photo's bytes, read from disk if necessary; raises `OSError` if that fails."""
        if isinstance(self.content, Path):
            return self.content.read_bytes()
        return self.content or b""


@dataclass(frozen=True, slots=True)
class PhotoLink:
    """A photo on a page of a web site: its id there, and the URL of its bytes.

    `version` changes when the bytes under the same id change: another size or a replaced file.
    """

    source_id: str
    url: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a web site with photos: an advert, or the page of a file.

    `listing_id` identifies it permanently. `stamp` changes when the page changes; the page must
    then be fetched again. `words` and the rights apply to the `Sighting` of each of its photos.
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
        """Clean all words and cut them to `LONGEST_WORD`: a site may send words of any length."""
        _clean_words(self, ("page_url", *_RIGHTS), LONGEST_WORD)


@dataclass(frozen=True, slots=True)
class Drop:
    """Something that a source could not yield as a photo. `reason` is a short constant for counts.

    `detail` gives the wrong value and what to do. Unseen characters in it are escaped, not
    removed: they may be what is wrong.
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
    """A remark that loses no photo: counted by `text`, with one `example`. Unseen characters in
    both are escaped."""

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
    """Clean the words and the fields `names` of a frozen record; what is empty then is dropped."""
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
    """A source cannot be read; the message says what was found and what to do."""


def count_seen(records: Iterable[Photo | Drop | Notice]) -> int:
    """The number of photos and drops. Notices do not count: they are about the others."""
    return sum(not isinstance(record, Notice) for record in records)


class Source(Protocol):
    """A source of photos: a folder, a data set, or the result of a crawl."""

    @property
    def name(self) -> str:
        """The `source` of its sightings."""
        ...

    def count(self) -> int | None:
        """The number of photos and drops that `records` will yield; None if it is not known."""
        ...

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """Everything the source holds, in a stable order."""
        ...
