"""The content of the replica's Commons: files and categories, and edits while a crawl runs."""

import hashlib
import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from synthetic.replica.commons_categories import category_graph
from synthetic.replica.commons_files import CommonsFile, draw_file
from synthetic.replica.commons_photos import file_bytes
from synthetic.replica.commons_rights import LICENSE_FIELDS

if TYPE_CHECKING:
    from synthetic.replica.world import World


@dataclass(frozen=True, slots=True)
class Category:
    """A category page; `name` is its title without "Category:"."""

    pageid: int
    name: str


class Commons:
    """The wiki of one replica. Its methods may be called from any thread."""

    def __init__(self, seed: int, files: int) -> None:
        drawn = [draw_file(seed, index) for index in range(files)]
        self._parents = category_graph()
        self._files = {file.pageid: file for file in drawn}
        self._named = {file.key: file.pageid for file in drawn}
        self._categories = {
            name: Category(1_000_000 + 11 * number, name)
            for number, name in enumerate(self._parents)
        }
        self._members: dict[str, list[int]] = {name: [] for name in self._categories}
        for file in sorted(drawn, key=sort_key):
            for category in file.shown.categories:
                self._members[category].append(file.pageid)
        self.facts = lru_cache(maxsize=100_000)(file_facts)

    def files(self) -> list[CommonsFile]:
        """All files by page id."""
        return list(self._files.values())

    def file(self, name: str) -> CommonsFile | None:
        """The file of this name, with spaces or underscores."""
        pageid = self._named.get(name.replace(" ", "_"))
        return None if pageid is None else self._files.get(pageid)

    def page(self, pageid: int) -> CommonsFile | Category | None:
        """The file or category with this page id."""
        categories = self._categories.values()
        return self._files.get(pageid) or next((c for c in categories if c.pageid == pageid), None)

    def category(self, name: str) -> Category | None:
        """The category of this name, with spaces or underscores."""
        return self._categories.get(name.replace("_", " "))

    def files_in(self, category: str) -> list[CommonsFile]:
        """The files in this category, in MediaWiki's order."""
        members = self._members.get(category, [])
        return [file for pageid in members if (file := self._files.get(pageid))]

    def categories_in(self, category: str) -> list[Category]:
        """The subcategories of this category, in MediaWiki's order."""
        children = [self._categories[c] for c, above in self._parents.items() if category in above]
        return sorted(children, key=sort_key)

    def delete(self, name: str) -> None:
        """Delete a file. Raises `KeyError` for an unknown name."""
        del self._files[self._existing(name).pageid]

    def upload_again(self, name: str) -> None:
        """Upload a new version of a file: same page and URL, other bytes. Raises `KeyError`."""
        file = self._existing(name)
        later = file.uploaded + timedelta(days=400)
        self._files[file.pageid] = replace(file, version=file.version + 1, uploaded=later)

    def relicense(self, name: str, short: str) -> None:
        """Give a file the license with this `LicenseShortName`. Raises `KeyError` for an unknown
        name or license."""
        rights = {rights.short: rights for rights in LICENSE_FIELDS}[short]
        file = self._existing(name)
        self._files[file.pageid] = replace(file, rights=rights)

    def _existing(self, name: str) -> CommonsFile:
        file = self.file(name)
        if file is None:
            raise KeyError(f"there is no file {name!r}")
        return file


def sort_key(page: CommonsFile | Category) -> tuple[str, int]:
    """The sort key of a category's members: the title in capitals, then the page id."""
    return page.name.upper(), page.pageid


def file_facts(file: CommonsFile) -> tuple[int, str]:
    """The file's size in bytes, and the sha1 of its bytes in hex."""
    content = file_bytes(file)
    return len(content), hashlib.sha1(content, usedforsecurity=False).hexdigest()


_OF: "WeakKeyDictionary[World, Commons]" = WeakKeyDictionary()
_MAKING = threading.Lock()


def commons_of(world: "World") -> Commons:
    """The Commons of a world, created on first use and shared by all its hosts."""
    with _MAKING:
        if world not in _OF:
            _OF[world] = Commons(world.seed, world.files)
        return _OF[world]
