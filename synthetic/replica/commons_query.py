"""`action=query` of the replica's `api.php`: categories, searches and properties of files."""

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from core.web import Web
from synthetic.replica.commons_continue import Continuation, MediaWikiError, RequestParameters
from synthetic.replica.commons_files import CommonsFile
from synthetic.replica.commons_imageinfo import ImageInfo
from synthetic.replica.commons_items import structured_data
from synthetic.replica.commons_pages import ApiRow, found_files, members, named, result_row, row_of
from synthetic.replica.commons_state import Commons

if TYPE_CHECKING:
    from collections.abc import Callable

THUMBNAILS = 50
"""Most files of an answer with a thumbnail; `iicontinue` leads to the `imageinfo` of the others."""


@dataclass(frozen=True, slots=True)
class ApiQuery:
    """One request to a wiki.

    With `empty_page` the first page of a category is empty and has a continuation. `infos` limits
    how many files of an answer get their `imageinfo`; None is MediaWiki's own limit.
    """

    commons: Commons
    web: Web
    asked: RequestParameters
    empty_page: bool = False
    infos: int | None = None

    def answer(self) -> dict[str, Any]:
        """The answer's JSON object. Raises `MediaWikiError`."""
        steps = Continuation(self.asked, self.asked.words("prop"), self.asked.words("list"))
        lists: dict[str, Callable[[Continuation], dict[str, Any]]] = {
            "categorymembers": self._list_members, "search": self._list_found,
        }  # fmt: skip
        query: dict[str, Any] = {}
        for name in steps.lists:
            if name not in lists:
                raise _unknown("list", name)
            if steps.runs(name):
                query |= lists[name](steps)
        rows = self._rows(steps)
        if rows:
            query["pages"] = self._with_props(rows, steps)
        return steps.head() | ({"query": query} if query else {})

    def _list_members(self, steps: Continuation) -> dict[str, Any]:
        pages, follow = members(self.commons, self.asked, "cm", self.empty_page)
        if follow is not None:
            steps.left["categorymembers"] = {"cmcontinue": follow}
        return {"categorymembers": [row_of(page) for page in pages]}

    def _list_found(self, steps: Continuation) -> dict[str, Any]:
        files, offset, total = found_files(self.commons, self.asked, "sr")
        if offset is not None:
            steps.left["search"] = {"sroffset": offset}
        rows = [result_row(file) for file in files]
        return {"searchinfo": {"totalhits": total}, "search": rows}

    def _rows(self, steps: Continuation) -> list[ApiRow]:
        """The rows of the requested pages; those of a generator are ordered by page id."""
        generator = self.asked.text("generator")
        if generator and steps.generator_done:
            return []
        if generator == "categorymembers":
            pages, follow = members(self.commons, self.asked, "gcm", self.empty_page)
            if follow is not None:
                steps.generator_next = {"gcmcontinue": follow}
            rows = [row_of(page) for page in pages]
        elif generator == "search":
            files, offset, _ = found_files(self.commons, self.asked, "gsr")
            if offset is not None:
                steps.generator_next = {"gsroffset": offset}
            first = self.asked.number("gsroffset", 0) + 1
            rows = [row_of(file) | {"index": first + place} for place, file in enumerate(files)]
        elif generator:
            raise _unknown("generator", generator)
        else:
            return named(self.commons, self.asked)
        return sorted(rows, key=lambda row: int(row["pageid"]))

    def _with_props(
        self, rows: list[ApiRow], steps: Continuation
    ) -> list[ApiRow] | dict[str, ApiRow]:
        props: dict[str, Callable[[list[ApiRow]], dict[str, Any]]] = {
            "imageinfo": self._add_imageinfo, "categoryinfo": self._add_categoryinfo,
            "revisions": self._add_revisions,
        }  # fmt: skip
        for name in steps.props:
            if name not in props:
                raise _unknown("prop", name)
            left = props[name](rows) if steps.runs(name) else {}
            if left:
                steps.left[name] = left
        if self.asked.modern:
            return rows
        missing = count(-1, -1)
        return {str(row.get("pageid") or next(missing)): _plain(row) for row in rows}

    def _add_imageinfo(self, rows: list[ApiRow]) -> dict[str, Any]:
        """Add `imageinfo` by file name, from `iicontinue` on, up to the limit; returns the
        continuation."""
        asked = self.asked
        width = asked.number("iiurlwidth", -1)
        wanted, fields = asked.words("iiprop", "timestamp|user"), asked.words("iiextmetadatafilter")
        info = ImageInfo(self.commons, self.web, wanted, max(0, width), fields)
        pages = [(self.commons.page(row.get("pageid", 0)), row) for row in rows]
        files = [(file, row) for file, row in pages if isinstance(file, CommonsFile)]
        start = asked.text("iicontinue").rpartition("|")[0]
        left = sorted(
            ((file, row) for file, row in files if file.key >= start), key=lambda pair: pair[0].key
        )
        most = self.infos or (THUMBNAILS if width > 0 else len(left))
        for file, row in left[:most]:
            row |= {"imagerepository": "local", "imageinfo": [info(file)]}
        following = [f"{file.key}|{file.uploaded:%Y%m%d%H%M%S}" for file, _ in left[most:]]
        return {"iicontinue": following[0]} if following else {}

    def _add_revisions(self, rows: list[ApiRow]) -> dict[str, Any]:
        """Add the slot with structured data; files without any get none."""
        for row in rows:
            file = self.commons.page(row.get("pageid", 0))
            slots = {}
            if isinstance(file, CommonsFile) and file.item:
                slots = {"mediainfo": structured_data(file, modern=self.asked.modern)}
            row["revisions"] = [{"slots": slots}]
        return {}

    def _add_categoryinfo(self, rows: list[ApiRow]) -> dict[str, Any]:
        for row in rows:
            if row.get("ns") == 14 and "missing" not in row:
                name = row["title"].removeprefix("Category:")
                files = len(self.commons.files_in(name))
                subcats = len(self.commons.categories_in(name))
                row["categoryinfo"] = {
                    "size": files + subcats, "pages": 0, "files": files, "subcats": subcats,
                    "hidden": False,
                }  # fmt: skip
        return {}


def _plain(row: ApiRow) -> ApiRow:
    """The row in format version 1: true becomes "", false is omitted."""
    plain: ApiRow = {}
    for name, value in row.items():
        if isinstance(value, bool):
            plain |= {name: ""} if value else {}
        else:
            plain[name] = _plain(value) if name == "categoryinfo" else value
    return plain


def _unknown(parameter: str, value: str) -> MediaWikiError:
    return MediaWikiError("badvalue", f'Unrecognized value for parameter "{parameter}": {value}.')
