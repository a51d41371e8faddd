"""The application that answers for all country sites of AutoScout24."""

import re
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from synthetic.replica.autoscout24 import html
from synthetic.replica.autoscout24.addresses import offer_path
from synthetic.replica.autoscout24.data import (
    bare_data,
    build_id,
    next_data_json,
    offer_props,
    search_props,
)
from synthetic.replica.autoscout24.fill import JsonObject
from synthetic.replica.autoscout24.query import OfferQuery, UnknownParameterError, parse_query
from synthetic.replica.autoscout24.robots import robots_text
from synthetic.replica.autoscout24.search import SearchIndex
from synthetic.replica.autoscout24.sites import SiteLocale, sites_of
from synthetic.replica.autoscout24.words import slug_of
from synthetic.replica.cars import OfferedCar
from synthetic.replica.world import World

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_DATA = "/_next/data/"


class InsteadError(Exception):
    """The requested page is not shown; `response` is sent instead."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


def autoscout24_app(world: World) -> Starlette:
    """The application of the sites www.autoscout24.<tld>, distinguished by host."""
    pages = _Pages(world)
    return Starlette(routes=[Route("/{path:path}", pages.answer)])


def check_welcome(world: World, kind: str, *keys: str) -> None:
    """Raise `InsteadError` if `forbidden-403` or `too-many-requests` is on for one of `keys` (the
    first is the thing's own) or for all things of this kind."""
    faults = world.faults
    if faults.strikes("too-many-requests", *keys, kind):
        seconds = faults.value("too-many-requests")
        headers = {"Retry-After": seconds} if seconds else None
        raise InsteadError(PlainTextResponse("Too Many Requests", 429, headers))
    if faults.strikes("forbidden-403", *keys, kind):
        raise InsteadError(HTMLResponse("<title>Access Denied</title>", 403))


class _Pages:
    """The pages of the sites by their paths."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._searches = SearchIndex(world)

    async def answer(self, request: Request) -> Response:
        """The answer for the host and path of a request."""
        tld = (request.url.hostname or "").removesuffix(".localhost").rsplit(".", 1)[-1]
        sites, path = sites_of(tld), request.url.path
        if path == "/robots.txt":
            delay = self._world.faults.strikes("crawl-delay", tld)
            text = robots_text(sites[0], self._world.faults.value("crawl-delay") if delay else "")
            return PlainTextResponse(text)
        if path == "/":
            return HTMLResponse(html.page(sites[0], "AutoScout24", "", "<main></main>", None))
        try:
            if path.startswith(_DATA):
                return self._data(self._shown(sites[0]), request)
            return self._page(sites, request)
        except InsteadError as instead:
            return instead.response

    def _page(self, sites: tuple[SiteLocale, ...], request: Request) -> Response:
        for site in sites:
            if request.url.path.startswith(f"{site.prefix}/"):
                first, *rest = request.url.path.removeprefix(site.prefix).strip("/").split("/")
                if first == "lst":
                    return self._search(self._shown(site), request, tuple(rest))
                if first == site.segment and len(rest) == 1:
                    return self._offer(self._shown(site), rest[0])
        raise _failed(404)

    def _shown(self, site: SiteLocale) -> SiteLocale:
        """The site, in English if `english-labels` is on."""
        english = self._world.faults.strikes("english-labels", site.tld)
        return replace(site, language="en") if english else site

    def _search(self, site: SiteLocale, request: Request, slugs: tuple[str, ...]) -> Response:
        query, asked = self._query(site, request, slugs)
        props = search_props(self._world, self._searches, site, query)
        place = (query.page - 1) * query.size + 1
        body = html.search_body(props.get("listings", []), props.get("numberOfPages", 0), place)
        crumbs = html.linked_data({"@type": "BreadcrumbList", "itemListElement": []})
        data = self._next_data(props, "/lst/[...slug]" if slugs else "/lst", asked, "search")
        return HTMLResponse(html.page(site, props["pageTitle"], crumbs, body, data))

    def _query(
        self, site: SiteLocale, request: Request, slugs: tuple[str, ...]
    ) -> tuple[OfferQuery, JsonObject]:
        """The query, and the query as the page's data states it."""
        self._check("search", f"{request.url.path}?{request.url.query}")
        if self._world.faults.strikes("search-404", request.url.path):
            raise _failed(404)
        given: dict[str, str] = {}  # the first value of a repeated parameter
        for name, value in request.query_params.multi_items():
            given.setdefault(name, value)
        try:
            query = parse_query(site, slugs, given)
        except UnknownParameterError as error:
            raise _failed(404) from error
        return query, {**given, "slug": list(slugs)} if slugs else {**given}

    def _offer(self, site: SiteLocale, slug: str) -> Response:
        car = self._shown_car(site, self._car(slug), slug)
        props = offer_props(self._world, site, car)
        offer = props["listingDetails"]
        head, body = html.offer_head(offer), html.offer_body(offer, site)
        data = self._next_data(props, "/details/[...slug]", {"slug": [slug]}, car.guid)
        return HTMLResponse(html.page(site, props["pageTitle"], head, body, data))

    def _car(self, slug: str) -> OfferedCar:
        """The car of an offer's URL; raises `InsteadError` if there is no such offer."""
        guid = found[0] if (found := _GUID.search(slug)) else ""
        self._check("offer", guid)
        if (number := self._world.number(guid)) is None:
            raise _failed(404)
        faults, car = self._world.faults, self._world.car(number)
        if car.gone or faults.strikes("removed-410", guid):
            raise _failed(410)
        if faults.strikes("removed-404", guid) or faults.strikes("transient-404", guid):
            raise _failed(404)
        return car

    def _shown_car(self, site: SiteLocale, car: OfferedCar, slug: str) -> OfferedCar:
        """The car to show for an offer's URL; raises `InsteadError` if the URL redirects."""
        faults = self._world.faults
        title = f"{car.title} renewed" if faults.strikes("slug-changed", car.guid) else None
        path = offer_path(car, site, title)
        if not path.endswith(f"/{slug}"):
            raise self._moved(site, path, 308)
        if faults.strikes("redirect-to-list", car.guid):
            path = f"{site.prefix}/lst/{slug_of(car.model.make)}/{slug_of(car.model.name)}"
            raise self._moved(site, path, 301)
        if not faults.strikes("guid-reused", car.guid):
            return car
        # The next car of another make.
        count = len(self._world)
        cars = (self._world.car((car.number + step) % count) for step in range(1, count))
        other = next((other for other in cars if other.model.make != car.model.make), car)
        if faults.value("guid-reused") != "content":
            raise self._moved(site, offer_path(other, site), 308)
        return replace(other, guid=car.guid)

    def _data(self, site: SiteLocale, request: Request) -> Response:
        """`/_next/data/<build>/lst/<make>/<model>.json` and `.../details/<slug>.json`."""
        build, _, rest = request.url.path.removeprefix(_DATA).partition("/")
        kind, *slugs = rest.removesuffix(".json").split("/")
        if build != build_id(self._world) or not rest.endswith(".json"):
            raise _failed(404)
        if kind == "details" and len(slugs) == 1:
            props = offer_props(self._world, site, self._car(slugs[0]))
        elif kind == "lst":
            query, _ = self._query(site, request, tuple(slugs))
            props = search_props(self._world, self._searches, site, query)
        else:
            raise _failed(404)
        return Response(bare_data(self._world, props), media_type="application/json")

    def _next_data(self, props: JsonObject, route: str, asked: JsonObject, key: str) -> str | None:
        silent = self._world.faults.strikes("no-next-data", key, "page")
        return None if silent else next_data_json(self._world, props, route, asked)

    def _check(self, kind: str, key: str) -> None:
        """Apply the faults that hold for all pages."""
        check_welcome(self._world, kind, key)
        if self._world.faults.strikes("bounce-home", key, kind):
            raise InsteadError(RedirectResponse("/", 302))

    def _moved(self, site: SiteLocale, path: str, status: int) -> InsteadError:
        return InsteadError(RedirectResponse(self._world.web.base(site.host) + path, status))


def _failed(status: int) -> InsteadError:
    return InsteadError(HTMLResponse(f"<title>{status}</title><h1>{status}</h1>", status))
