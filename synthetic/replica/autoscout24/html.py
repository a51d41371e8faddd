"""The HTML around the data of a page. As on the site, the list has no links to offers, a consent
box covers the data without removing it, and only buttons lead to other pages."""

import json
from html import escape

from synthetic.replica.autoscout24.fill import OMITTED, JsonObject, fill, load_template
from synthetic.replica.autoscout24.sites import SiteLocale
from synthetic.replica.autoscout24.words import FIELD_WORDS

_CONSENT = """\
<div id="as24-cmp-popup" class="as24-cmp-container" data-testid="as24-cmp-container">
<button data-testid="as24-cmp-accept-all-button">OK</button>
<button data-testid="as24-cmp-decline-all-button">-</button></div>"""

_ARTICLE = """\
<article id="{id}" class="cldt-summary-full-item listing-impressions-tracking" \
data-testid="list-item" data-guid="{id}" data-vehicle-type="c" \
data-source="listpage_search-results" data-position="{place}" data-price="{price}" \
data-price-label="{label}" data-make="{make}" \
data-model="{model}" data-first-registration="{registered}" data-mileage="{mileage}" \
data-fuel-type="{fuel}" data-seller-type="{seller}" data-listing-country="{country}">
<a class="ListItemTitle_anchor__4TrfR"><h2>{title}</h2></a>
<span data-testid="regular-price">{shown}</span></article>"""


def page(site: SiteLocale, title: str, head: str, body: str, data: str | None) -> str:
    """A complete page; `data` is the text of `__NEXT_DATA__`, None for a page without it."""
    script = "" if data is None else _script('id="__NEXT_DATA__" type="application/json"', data)
    return (
        f'<!DOCTYPE html><html lang="{site.culture}"><head><meta charset="utf-8">'
        f'<title>{escape(title)}</title><meta name="traffic_analysis" content="ok">{head}</head>'
        f'<body><div id="__next">{body}</div>{_CONSENT}{script}</body></html>'
    )


def linked_data(document: JsonObject) -> str:
    """A JSON-LD script, with slashes escaped as on the site."""
    text = json.dumps(document, ensure_ascii=False).replace("/", "\\u002F")
    return _script('type="application/ld+json"', text)


def search_body(rows: list[JsonObject], pages: int, place: int) -> str:
    """The list and the buttons to other pages; `place` is the position of the first row, from 1."""
    articles = []
    for position, row in enumerate(rows, place):
        tracking, vehicle = row["tracking"], row["vehicle"]
        article = _ARTICLE.format(
            id=row["id"],
            place=position,
            price=tracking["price"],
            label=tracking["priceLabel"],
            make=vehicle["make"].lower(),
            model=vehicle["model"].lower(),
            registered=tracking["firstRegistration"],
            mileage=tracking["mileage"],
            fuel=tracking["fuelType"],
            seller=row["seller"]["type"][0].lower(),
            country=row["location"]["countryCode"][0].lower(),
            title=escape(f"{vehicle['make']} {vehicle['modelVersionInput']}"),
            shown=row["price"]["priceFormatted"],
        )
        articles.append(article)
    shown = sorted({1, 2, 3, pages} & set(range(1, pages + 1)))
    buttons = "".join(
        f'<li><button aria-label="Page {page}">{page}</button></li>' for page in shown
    )
    joined = "\n".join(articles)
    return (
        f'<main class="ListPage_main__xZkl7">{joined}<div data-testid="listpage-pagination">'
        f'<nav class="scr-pagination"><ul>{buttons}</ul></nav></div></main>'
    )


def offer_head(details: JsonObject) -> str:
    """The head of an offer's page: its canonical URL, `noindex`, and the car as linked data."""
    url, vehicle = escape(details["webPage"]), details["vehicle"]
    values = {
        "vehicle": vehicle,
        "images": details["images"][:1],
        "color": vehicle["bodyColor"] or OMITTED,
        "price": details["prices"]["public"].get("priceRaw"),
        "url": details["webPage"],
        "company": details["seller"]["companyName"],
        "guid": details["id"],
        "produced": vehicle["firstRegistrationDateRaw"],
        "mileage": vehicle["mileageInKmRaw"],
    }
    return (
        f'<meta name="robots" content="noindex,follow"><link rel="canonical" href="{url}">'
        f"{linked_data(fill(load_template('product'), values))}"
    )


def offer_body(details: JsonObject, site: SiteLocale) -> str:
    """The known facts as a list of terms and descriptions."""
    names, vehicle = FIELD_WORDS[site.language], details["vehicle"]
    facts = {
        names["body"]: vehicle["bodyType"],
        names["doors"]: vehicle["numberOfDoors"],
        names["mileage"]: vehicle["mileageInKm"],
        names["registered"]: vehicle["firstRegistrationDate"],
        names["color"]: vehicle["bodyColor"],
        names["original"]: vehicle["bodyColorOriginal"],
        names["paint"]: vehicle["paintType"],
    }
    terms = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(str(fact))}</dd>"
        for name, fact in facts.items()
        if fact is not None
    )
    return (
        f"<main><h1>{escape(details['imgAltText'])}</h1><dl>{terms}</dl>"
        f"<div>{escape(details['seller']['companyName'])}</div></main>"
    )


def _script(attributes: str, text: str) -> str:
    return f"<script {attributes}>{text.replace('<', chr(92) + 'u003c')}</script>"
