"""The pages of a request to the replica's `api.php`: members of a category, results of a search, or
pages by name."""

from typing import Any

from synthetic.replica.commons_continue import MediaWikiError, RequestParameters
from synthetic.replica.commons_files import CommonsFile
from synthetic.replica.commons_imageinfo import description
from synthetic.replica.commons_search import DEPTH, find_files
from synthetic.replica.commons_state import Category, Commons, sort_key

WikiPage = CommonsFile | Category
ApiRow = dict[str, Any]

NAMESPACES = {"Category": 14, "File": 6}
"""The replica's namespaces and their numbers."""


def members(
    commons: Commons, asked: RequestParameters, prefix: str, empty_page: bool
) -> tuple[list[WikiPage], str | None]:
    """A page of the members of a category, and the `cmcontinue` of the next page.

    With `empty_page` the first page is empty. Raises `MediaWikiError`.
    """
    types = asked.words(f"{prefix}type", "page|subcat|file")
    title = asked.text(f"{prefix}title")
    if not title:
        raise MediaWikiError("missingparam", f'The "{prefix}title" parameter must be set.')
    if not title.startswith("Category:"):
        raise MediaWikiError("invalidcategory", "The category name you entered is not valid.")
    name = title.removeprefix("Category:").replace("_", " ")
    by_type: dict[str, list[WikiPage]] = {
        "subcat": [*commons.categories_in(name)],
        "file": [*commons.files_in(name)],
    }
    rows = [(kind, page) for kind in types for page in by_type.get(kind, [])]
    start = asked.text(f"{prefix}continue")
    if start:
        rows = _from(rows, types, start)
    limit = 0 if empty_page and not start else asked.limit(f"{prefix}limit")
    follow = None
    if len(rows) > limit:
        kind, page = rows[limit]
        key, pageid = sort_key(page)
        follow = f"{kind}|{key.encode().hex()}|{pageid}"
    return [page for _, page in rows[:limit]], follow


def found_files(
    commons: Commons, asked: RequestParameters, prefix: str
) -> tuple[list[CommonsFile], int | None, int]:
    """A page of the files that a search finds, the offset of the next page, and the total.

    Raises `MediaWikiError`.
    """
    text = asked.text(f"{prefix}search")
    if not text:
        raise MediaWikiError("missingparam", f'The "{prefix}search" parameter must be set.')
    in_files = "6" in asked.words(f"{prefix}namespace", "0")
    files = find_files(commons, text) if in_files else []
    offset = asked.number(f"{prefix}offset", 0)
    after = offset + asked.limit(f"{prefix}limit")
    more = after < min(len(files), DEPTH)
    return files[offset:after], after if more else None, len(files)


def named(commons: Commons, asked: RequestParameters) -> list[ApiRow]:
    """The pages of `titles` and `pageids`; absent ones say `missing`. Raises `MediaWikiError`."""
    rows: list[ApiRow] = []
    for title in asked.words("titles"):
        space, _, name = title.partition(":")
        page = commons.category(name) if space == "Category" else commons.file(name)
        missing = {"ns": NAMESPACES.get(space, 0), "title": title, "missing": True}
        rows.append(row_of(page) if page else missing)
    for text in asked.words("pageids"):
        if not text.isdecimal():
            raise MediaWikiError(
                "badinteger", f'Invalid value "{text}" for integer parameter "pageids".'
            )
        known = commons.page(int(text))
        rows.append(row_of(known) if known else {"pageid": int(text), "missing": True})
    if len(rows) > 50:
        raise MediaWikiError("toomanyvalues", 'Too many values supplied for parameter "titles".')
    return rows


def row_of(page: WikiPage) -> ApiRow:
    """The row of a page as it is at the start of every answer."""
    space = "Category" if isinstance(page, Category) else "File"
    return {"pageid": page.pageid, "ns": NAMESPACES[space], "title": f"{space}:{page.name}"}


def result_row(file: CommonsFile) -> ApiRow:
    """A row of `list=search`; `size` is that of the page's text, not of the file."""
    text = description(file) or ""
    return {
        "ns": 6, "title": f"File:{file.name}", "pageid": file.pageid, "size": len(text),
        "wordcount": len(text.split()), "snippet": text,
        "timestamp": f"{file.uploaded:%Y-%m-%dT%H:%M:%SZ}",
    }  # fmt: skip


def _from(
    rows: list[tuple[str, WikiPage]], types: tuple[str, ...], start: str
) -> list[tuple[str, WikiPage]]:
    """The rows from the position of a `cmcontinue` on, even if its page no longer exists."""
    try:
        kind, key, pageid = start.split("|")
        place = (types.index(kind), (bytes.fromhex(key).decode(), int(pageid)))
    except ValueError:
        raise MediaWikiError("badcontinue", "Invalid continue param.") from None
    return [(kind, page) for kind, page in rows if (types.index(kind), sort_key(page)) >= place]
