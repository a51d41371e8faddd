"""The replica's commons.wikimedia.org: `api.php`, robots.txt, and their faults."""

import asyncio
from collections.abc import Mapping
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from synthetic.replica.commons_continue import MediaWikiError, RequestParameters
from synthetic.replica.commons_items import entities
from synthetic.replica.commons_query import ApiQuery
from synthetic.replica.commons_rate_limits import (
    CLOSED_ROBOTS,
    COMMONS_ROBOTS,
    IDENTIFIED,
    REFUSED_BY_API,
    UNIDENTIFIED,
    Meter,
    agent_standing,
)
from synthetic.replica.commons_state import commons_of
from synthetic.replica.commons_upload import upload_app
from synthetic.replica.faults import declare_faults, drop_path

if TYPE_CHECKING:
    from synthetic.replica.world import World

__all__ = ["API_FAULTS", "commons_app", "upload_app"]

API_FAULTS = declare_faults(
    {
        "api-drift": "the API's answers lack what lies at =PATH, such as "
        "query.pages.imageinfo.extmetadata; several are joined by +",
        "maxlag": "the API's databases lag (value: seconds, 7.2 unless given): requests with "
        "`maxlag` get an error with status 200",
        "ratelimited": "the API answers the error `ratelimited` with status 200",
        "readonly": "the API answers the error `readonly` with status 200",
        "error-in-200": "the API answers an internal error with status 200",
        "html-403": "a page of the firewall in place of the API, with status 403",
        "html-200": "a page for people in place of the API, with status 200",
        "empty-page-with-continue": "the first page of each category is empty, and not the last",
        "split-props": "the imageinfo of a page of files comes over several answers "
        "(value: files an answer, 3 unless given)",
        "slow-api": "the API answers after some time (value: seconds, 1 unless given)",
        "api-429": "the API answers fewer requests a minute (value: how many, 3 unless given)",
        "robots-closed": "robots.txt of Commons closes `api.php?action=query`",
        "short-retry-after": "every Retry-After of Commons is short (value: seconds)",
    }
)

USAGE = (
    "See https://commons.wikimedia.org/w/api.php for API usage. Subscribe to the "
    "mediawiki-api-announce mailing list for notice of API deprecations and breaking changes."
)

FIREWALL = (
    "<!DOCTYPE html>\n<html lang='en-US'><head><title>Attention Required! | Cloudflare</title>"
    "</head><body><h1>Sorry, you have been blocked</h1></body></html>"
)

CLOSED_FOR_TODAY = (
    "<!DOCTYPE html>\n<html lang='en'><head><title>Wikimedia Error</title></head>"
    "<body><p>Our servers are currently under maintenance.</p></body></html>"
)


def commons_app(world: "World") -> Starlette:
    """The app of commons.wikimedia.org."""
    api = Api(world)
    return Starlette(routes=[Route("/w/api.php", api.answer), Route("/robots.txt", api.robots)])


class Api:
    """`api.php` of one replica."""

    def __init__(self, world: "World") -> None:
        self.world, self.commons, self.faults = world, commons_of(world), world.faults
        self.meter = Meter()

    async def robots(self, _request: Request) -> Response:
        """The answer to a request for robots.txt; no User-Agent is refused."""
        closed = self.faults.strikes("robots-closed", "robots.txt")
        return PlainTextResponse(CLOSED_ROBOTS if closed else COMMONS_ROBOTS)

    async def answer(self, request: Request) -> Response:
        """The answer to one API request, with the faults that are on."""
        asked = RequestParameters(dict(request.query_params))
        # The subject of a request: a category, a search or titles.
        names = ("gcmtitle", "cmtitle", "gsrsearch", "srsearch", "titles", "pageids")
        keys = (next(filter(None, map(asked.text, names)), ""), "api")
        refused = self._refuse(request.headers.get("user-agent", ""), keys)
        if refused is not None:
            return refused
        if self.faults.strikes("slow-api", *keys):
            await asyncio.sleep(float(self.faults.value("slow-api") or 1))
        try:
            self._fail(asked, keys)
            return JSONResponse(await run_in_threadpool(self._query, asked, keys))
        except MediaWikiError as error:
            return self._error(error, asked)

    def _refuse(self, agent: str, keys: tuple[str, ...]) -> Response | None:
        """The answer of the servers before MediaWiki, if they refuse the request."""
        how = agent_standing(agent)
        if how == "refused":
            return PlainTextResponse(REFUSED_BY_API, 403)
        if self.faults.strikes("html-403", *keys):
            return HTMLResponse(FIREWALL, 403)
        if self.faults.strikes("html-200", *keys):
            return HTMLResponse(CLOSED_FOR_TODAY)
        limit = IDENTIFIED if how == "identified" else UNIDENTIFIED
        if self.faults.strikes("api-429", *keys):
            limit = int(self.faults.value("api-429") or 3)
        wait = self.meter.wait(agent, limit)
        if wait:
            return PlainTextResponse("Too many requests", 429, self._retry_after(wait))
        return None

    def _fail(self, asked: RequestParameters, keys: tuple[str, ...]) -> None:
        """Raise the MediaWiki error that is switched on, if any."""
        lag = float(self.faults.value("maxlag") or 7.2)
        allowed = asked.number("maxlag", -1)
        if 0 <= allowed < lag and self.faults.strikes("maxlag", *keys):
            info = f"Waiting for 10.64.32.58: {lag} seconds lagged."
            raise MediaWikiError("maxlag", info, host="10.64.32.58", lag=lag, type="db")
        for name, (code, info) in ERRORS.items():
            if self.faults.strikes(name, *keys):
                raise MediaWikiError(code, info)

    def _query(self, asked: RequestParameters, keys: tuple[str, ...]) -> dict[str, Any]:
        if asked.text("action") not in {"query", "wbgetentities"}:
            raise MediaWikiError("badvalue", 'Unrecognized value for parameter "action".')
        if asked.text("format") != "json":
            raise MediaWikiError("badvalue", 'Unrecognized value for parameter "format".')
        if asked.text("action") == "wbgetentities":
            return entities(asked)
        infos = None
        if self.faults.strikes("split-props", *keys):
            infos = int(self.faults.value("split-props") or 3)
        empty = self.faults.strikes("empty-page-with-continue", *keys)
        said = ApiQuery(self.commons, self.world.web, asked, empty, infos).answer()
        if self.faults.strikes("api-drift", *keys):
            said = deepcopy(said)  # parts of it may be cached
            for path in self.faults.value("api-drift").split("+"):
                drop_path(said, path.split("."))
        return said

    def _error(self, error: MediaWikiError, asked: RequestParameters) -> Response:
        """An error as MediaWiki sends it: with status 200."""
        usage = "docref" if asked.modern else "*"
        body = {"code": error.code, "info": error.info, **error.more, usage: USAGE}
        headers = {"MediaWiki-API-Error": error.code}
        if error.code == "maxlag":
            headers["X-Database-Lag"] = str(int(error.more["lag"]))
            headers |= self._retry_after(max(5, asked.number("maxlag", 5)))
        if error.code in {"ratelimited", "readonly"}:
            headers |= self._retry_after(5)
        return JSONResponse({"error": body, "servedby": "mw-api-ext.local"}, headers=headers)

    def _retry_after(self, seconds: int) -> Mapping[str, str]:
        return {"Retry-After": self.faults.value("short-retry-after") or str(seconds)}


ERRORS = {
    "ratelimited": (
        "ratelimited", "You've exceeded your rate limit. Please wait some time and try again."
    ),
    "readonly": ("readonly", "The wiki is currently in read-only mode."),
    "error-in-200": (
        "internal_api_error_DBQueryError",
        "[0c6f1a52] Caught exception of type Wikimedia\\Rdbms\\DBQueryError",
    ),
}  # fmt: skip
"""The error's code and sentence, by switch."""
