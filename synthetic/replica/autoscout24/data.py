"""The data of pages: in `__NEXT_DATA__` of a page, and alone at its data URL."""

import json
from copy import deepcopy

from synthetic.replica.autoscout24.fill import JsonObject
from synthetic.replica.autoscout24.offers import offer_details, offer_row
from synthetic.replica.autoscout24.query import OfferQuery
from synthetic.replica.autoscout24.search import SearchIndex
from synthetic.replica.autoscout24.sites import SiteLocale
from synthetic.replica.autoscout24.taxonomy import taxonomy
from synthetic.replica.autoscout24.words import grouped
from synthetic.replica.cars import OfferedCar
from synthetic.replica.faults import drop_path
from synthetic.replica.fleet import MAKE_NAMES
from synthetic.replica.world import World

_TRANSLATIONS = {"contact.captcha": "captcha", "list.title": "cars"}


def build_id(world: World) -> str:
    """The id of the sites' build, which is in data URLs and changes with a deployment."""
    return f"as24-search-funnel_main-{20260904153933 + world.builds}"


def search_props(
    world: World, searches: SearchIndex, site: SiteLocale, query: OfferQuery
) -> JsonObject:
    """The `pageProps` of a search."""
    found = searches.find(query)
    rows: list[JsonObject] = []
    if found.sponsored is not None and not world.faults.strikes("empty-listings", "search"):
        rows.append(offer_row(world, world.car(found.sponsored), site, "Nfm"))
        rows += [offer_row(world, world.car(number), site) for number in found.numbers]
        if world.faults.strikes("recommendations", "search"):
            others = [(query.page * 31 + place * 97) % len(world) for place in range(3)]
            rows += [
                offer_row(world, world.car(n), site, section="Recommendations") for n in others
            ]
    pages = found.pages
    if world.faults.strikes("pages-beyond-end", "search"):
        pages += int(world.faults.value("pages-beyond-end") or 5)
    models = query.wanted.models
    make = models[0][0] if models else None
    title = f"{MAKE_NAMES.get(make or 0, '')} AutoScout24".strip()
    props: JsonObject = {
        "pageTitle": title,
        "listHeaderTitle": f"{grouped(found.total, site.language)} {title}",
        "pageid": "list",
        "cultureInfo": _culture(site),
        "pageQuery": {**query.echo, "query_id": f"{world.seed:x}q{query.page}"},
        "displayLocation": None,
        "numberOfResults": found.total,
        "numberOfPages": pages,
        "listings": rows,
        "numberOfOcsResults": 0,
        "isMobile": False,
        "taxonomy": taxonomy(site.language, make),
        "translations": _TRANSLATIONS,
        "loggedInCustomerTypeId": "",
        "isoCulture": site.culture,
        "pagePrefix": "lst",
        "deliverableTailTotalItems": 0,
        "trafficAnalysisResult": "ok",
        "hasConsentCookie": False,
        "isInitialRequest": True,
    }
    if world.faults.strikes("no-listings", "search"):
        props = {"pageTitle": title, "pageid": "error", "cultureInfo": _culture(site)}
    return props


def offer_props(world: World, site: SiteLocale, car: OfferedCar) -> JsonObject:
    """The `pageProps` of an offer."""
    return {
        "pageid": "detail",
        "listingDetails": offer_details(world, car, site),
        "cultureInfo": _culture(site),
        "loggedInCustomerTypeId": "",
        "pageTitle": f"{car.model.make} {car.model.name}",
        "isMobile": False,
    }


def next_data_json(world: World, props: JsonObject, route: str, query: JsonObject) -> str:
    """The text of `__NEXT_DATA__`; `query` is that of the URL, with the path segments of the route
    as `slug`."""
    document = {
        "props": {"pageProps": _drifted(world, props), "__N_SSP": True},
        "page": route,
        "query": query,
        "buildId": build_id(world),
        "assetPrefix": "/assets/as24-search-funnel",
        "isFallback": False,
        "gssp": True,
        "scriptLoader": [],
    }
    return json.dumps(document, ensure_ascii=False)


def bare_data(world: World, props: JsonObject) -> str:
    """The answer of a data URL: the same data without the long lists of choices."""
    lean = props | {name: None for name in ("taxonomy", "translations") if name in props}
    return json.dumps({"pageProps": _drifted(world, lean), "__N_SSP": True}, ensure_ascii=False)


def _culture(site: SiteLocale) -> JsonObject:
    return {"isoCulture": site.culture, "tld": site.tld, "country": site.country.lower()}


def _drifted(world: World, props: JsonObject) -> JsonObject:
    """The page without the paths that the switch `drift` names."""
    if world.faults.strikes("drift", "page"):
        props = deepcopy(props)  # parts of it are shared by all pages
        for path in world.faults.value("drift").split("+"):
            drop_path(props, path.split("."))
    return props
