"""Categories of Commons: their subcategories, their sizes, and which are left out."""

import re
import unicodedata
from collections.abc import Iterable

from core.text import replace_surrogates
from crawlers.sites.commons.pages.answers import ApiAnswer
from crawlers.sites.commons.pages.fields import read

_CATEGORY_NAMESPACE = 14


def parse_subcategories(answer: ApiAnswer) -> list[str]:
    """Titles of the categories that an answer lists, such as `Category:Ford Mustang`."""
    return [
        replace_surrogates(str(row["title"]))
        for row in answer.members
        if row.get("ns") == _CATEGORY_NAMESPACE and row.get("title")
    ]


def parse_category_sizes(answer: ApiAnswer) -> dict[str, int]:
    """Title -> the number of files directly in a category; one that does not exist has no entry."""
    counted = {read(page, "title"): read(page, "categoryinfo.files") for page in answer.pages}
    return {title: files for title, files in counted.items() if files is not None}


def is_denied(title: str, words: Iterable[str]) -> bool:
    """Whether a category's title holds one of these phrases, as whole words.

    Case and accents make no difference: `musee` is found in "Category:Musée Peugeot".
    """
    name = _plain(re.sub(r"^\s*category\s*:", "", title, flags=re.IGNORECASE))
    return any((word := _plain(each)).strip() and word in name for each in words)


def _plain(text: str) -> str:
    """Words in lower case without accents, one blank before and after each."""
    marked = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in marked if not unicodedata.combining(letter)).casefold()
    return " ".join(["", *re.findall(r"[^\W_]+", bare), ""])
