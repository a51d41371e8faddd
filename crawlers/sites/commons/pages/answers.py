"""Answers of MediaWiki's API: pages in parts, continuations, and errors.

An error comes with HTTP status 200, so only its content distinguishes it from an answer.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from core.errors import MarqueError
from crawlers.sites.commons.pages.fields import ANSWER_PATHS, Page, value_at

WAITING = ("maxlag", "readonly", "ratelimited")
"""Codes of errors that pass: the same request works later."""


class NotApiAnswerError(MarqueError):
    """The answer is not one of the API; it may be a page for people."""


class ApiError(MarqueError):
    """The API refuses a request, or asks to repeat it later.

    `code` is its own short reason, `info` its sentence, and `lag` the seconds that its databases
    are behind, if that is the reason.
    """

    def __init__(self, code: str, info: str, lag: float | None = None) -> None:
        passes = code in WAITING
        step = "ask again later" if passes else "the request must be another one"
        super().__init__(f"the API answers {code!r} ({info}); {step}")
        self.code = code
        self.info = info
        self.lag = lag
        self.passes = passes


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """One answer. `pages` may be parts of pages. `more` holds the parameters that ask for the rest;
    the end is reached when it is empty, not when an answer has no pages. `complete` says that the
    pages so far are whole.

    `members` are the rows of a category, `total` is the number of results of a search, `entities`
    are items by their ids. `parts` are the names of the parts of the query's result.
    """

    pages: tuple[Page, ...] = ()
    members: tuple[dict[str, Any], ...] = ()
    total: int | None = None
    entities: dict[str, Any] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    complete: bool = True
    more: dict[str, str | int] = field(default_factory=dict)


def parse_answer(content: str | bytes) -> ApiAnswer:
    """Read an answer in either format; raises `ApiError` and `NotApiAnswerError`."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise _foreign(content) from None
    if not _is_answer(data):
        raise _foreign(content)
    if (error := data.get("error")) is not None:
        raise ApiError(error.get("code", "unknown"), error.get("info", ""), error.get("lag"))
    query = data.get("query") or {}
    pages = query.get("pages") or ()
    going_on = data.get("continue") or {}
    # `iistart` continues with older versions of a file; only the current one is wanted. The pages
    # are whole then, although the site does not say so.
    only_older = going_on.keys() - {"continue"} == {"iistart"}
    answer = ApiAnswer(
        pages=tuple(pages.values() if isinstance(pages, dict) else pages),
        members=tuple(query.get("categorymembers") or ()),
        total=value_at(query, "searchinfo.totalhits"),
        entities=data.get("entities") or {},
        parts=frozenset(query),
        complete=data.get("batchcomplete", False) is not False or only_older,
        more={} if only_older else going_on,
    )
    rows: list[Any] = [*answer.pages, *answer.members]
    if not all(isinstance(row, dict) for row in rows):
        raise _foreign(content)
    return answer


@dataclass(slots=True)
class Batch:
    """Pages that are collected from several answers, each of which may bring a part of them."""

    pages: dict[str, Page] = field(default_factory=dict)

    def add(self, answer: ApiAnswer) -> tuple[Page, ...]:
        """Add an answer; returns the pages that are whole now, each once, in their order.

        Lists of a page grow with each answer, other values are replaced.
        """
        for page in answer.pages:
            held = self.pages.setdefault(str(page.get("pageid", page.get("title"))), {})
            for name, value in page.items():
                before = held.get(name)
                if isinstance(value, list) and isinstance(before, list):
                    held[name] = [*before, *value]
                else:
                    held[name] = value
        if not answer.complete and answer.more:
            return ()
        whole, self.pages = tuple(self.pages.values()), {}
        return whole


def _is_answer(data: Any) -> bool:
    if not isinstance(data, dict) or data.keys().isdisjoint(ANSWER_PATHS):
        return False
    found = ((value_at(data, path), types) for path, types in ANSWER_PATHS.items())
    return all(value is None or isinstance(value, types) for value, types in found)


def _foreign(content: str | bytes) -> NotApiAnswerError:
    text = content if isinstance(content, str) else content[:400].decode("utf-8", "replace")
    begin = " ".join(text[:400].split())[:80]
    return NotApiAnswerError(
        f"this is not an answer of MediaWiki's API: {begin!r}; the site may be down or refuse us"
    )
