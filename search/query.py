"""A question to the catalog, checked before anything is loaded."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.filters import Filter, parse_filter
from core.errors import UsageMistakeError
from core.text import clean, replace_surrogates, visible
from core.vocabulary import Vocabulary
from embeddings.registry import SPACE

MAX_K = 10_000
_IMAGE_ID = re.compile(r"[0-9a-f]{64}")


class QueryError(UsageMistakeError):
    """A question that cannot be asked; the message names the value and what is possible."""


@dataclass(frozen=True, slots=True)
class Query:
    """A text, a picture (a file, or a photo of the catalog), or both, to look for among the photos
    that pass all filters, by the vectors of `space`. With neither text nor picture the filters
    alone decide.
    """

    text: str | None = None
    image: Path | None = None
    image_id: str | None = None
    where: tuple[Filter, ...] = ()
    k: int = 12
    asked_where: tuple[str, ...] = ()
    space: str = SPACE

    def to_dict(self) -> dict[str, Any]:
        """The question as JSON-ready values."""
        return {
            "text": self.text,
            "image": self.image_id or (None if self.image is None else str(self.image)),
            "where": list(self.asked_where),
            "k": self.k,
            "space": self.space,
        }

    def __str__(self) -> str:
        """The question in one line, for a person."""
        return question_text(self.to_dict())


def question_text(query: Mapping[str, Any]) -> str:
    """A question, as `Query.to_dict` gives it, in one line for a person."""
    parts = [f'"{query["text"]}"'] if query["text"] else []
    if query["image"]:
        is_id = _IMAGE_ID.fullmatch(query["image"])
        parts.append(f"like {query['image'][:12] if is_id else Path(query['image']).name}")
    return ", ".join([*parts, *query["where"]]) or "everything"


def make_query(
    text: str | None,
    image: str | None,
    where: Sequence[str],
    k: int,
    vocabulary: Vocabulary,
    space: str = SPACE,
) -> Query:
    """Check a question as a user gives it: `image` is a file's path or an image id.

    Raises `QueryError`, and `FilterError` for a filter that cannot be read.
    """
    if not 1 <= k <= MAX_K:
        raise QueryError(f"k is {k}; ask for 1 to {MAX_K} answers")
    if text is not None and replace_surrogates(text) != text:
        raise QueryError(f"{visible(text)!r} holds bytes that are not text in UTF-8: type it again")
    if text is not None and not clean(text).strip():
        raise QueryError("the text is empty; leave it out, or say what to look for")
    path, image_id = _image(image)
    filters = tuple(parse_filter(each, vocabulary) for each in where)
    return Query(text and text.strip(), path, image_id, filters, k, tuple(where), space)


def _image(image: str | None) -> tuple[Path | None, str | None]:
    if image is None:
        return None, None
    try:
        path = Path(image).expanduser()
        if path.is_file():
            return path, None
    except (OSError, RuntimeError):
        pass  # a name too long for a file, a folder that may not be entered, an unknown ~user
    if _IMAGE_ID.fullmatch(image):
        return None, image
    raise QueryError(
        f"there is no picture {image[:200]!r}; give the path of a file, or the id of a "
        "photo of the catalog, or at least 6 digits of it, as `marque search` prints them"
    )
