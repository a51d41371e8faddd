"""Whether answers of the API still have the paths that are read. A path that no file of an answer
has is named at once; otherwise each file would be refused as if its page said nothing."""

from collections.abc import Mapping, Sequence

from core.errors import DriftError
from crawlers.sites.commons.pages.answers import ApiAnswer
from crawlers.sites.commons.pages.fields import Page, info, read, said, value_at

FEW_FILES = 3
"""Fewer files may lack something by chance."""

FILE_PATHS = (
    "pageid",
    "title",
    "imageinfo",
    *(f"imageinfo.0.{n}" for n in ("url", "descriptionurl", "width", "height", "extmetadata")),
)
"""Paths that every file has, if it exists."""

NEWER_PATHS = tuple(f"imageinfo.0.{name}" for name in ("sha1", "mime", "mediatype"))
"""The same, except in answers of some years ago, which lack some."""

_PICTURE = "imageinfo.0.thumburl"
_NONE_MADE = "imageinfo.0.thumberror"
_NAMED = "imageinfo.0.extmetadata.LicenseUrl"
_BESIDE = {"normalized", "redirects", "converted", "interwiki"}
"""Parts that may come with the requested one, or alone."""


def check_files(pages: Sequence[Page]) -> None:
    """Raise `DriftError` for the first required path that none of the files has."""
    there = [
        page
        for page in pages
        if all(read(page, name) in {None, False} for name in ("missing", "invalid"))
    ]
    for path in FILE_PATHS:
        _check(path, there)
    if any(value_at(page, path) is not None for page in there for path in NEWER_PATHS[:2]):
        for path in NEWER_PATHS:
            _check(path, there)
        # A picture without a thumbnail would be fetched in full. A recording has none, nor has a
        # picture for which the site says that it can make none.
        pictures = [page for page in there if info(page, "mediatype") == "BITMAP"]
        _check(_PICTURE, [page for page in pictures if value_at(page, _NONE_MADE) is None])
    named = [page for page in there if said(page, "LicenseShortName").startswith("CC ")]
    if not any(said(page, "License") for page in named):
        _check(_NAMED, named)


def check_answer(answer: ApiAnswer, parameters: Mapping[str, str]) -> None:
    """Raise `DriftError` if an answer to a query is not empty, and lacks what was asked for."""
    if parameters.get("action") != "query":
        return  # an answer about items may lack names, and none of them is needed
    kind = parameters.get("list")
    asked = {"categorymembers": "categorymembers", "search": "searchinfo"}.get(kind or "", "pages")
    if answer.parts - _BESIDE and asked not in answer.parts:
        raise DriftError(f"query.{asked}", "is not there in an answer that has other things")
    if kind == "search" and answer.parts and answer.total is None:
        raise DriftError("query.searchinfo.totalhits", "is not there in the answer to a search")
    for name in ("ns", "title"):
        if answer.members and not any(name in row for row in answer.members):
            raise DriftError(f"query.categorymembers[].{name}", "is in no row of an answer")
    counted = [page for page in answer.pages if "categoryinfo" in page]
    if counted and all(read(page, "categoryinfo.files") is None for page in counted):
        raise DriftError("query.pages[].categoryinfo.files", "is of no category of an answer")
    if not answer.complete and not answer.more:
        raise DriftError("continue", "is not there, though the answer is not complete")


def _check(path: str, pages: Sequence[Page]) -> None:
    if len(pages) >= FEW_FILES and all(value_at(page, path) is None for page in pages):
        shown = path.replace(".0.", "[0].")
        raise DriftError(f"query.pages[].{shown}", f"is of none of the {len(pages)} files there")
