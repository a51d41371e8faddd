"""What is read of a page, as data: every path that the parsers look at, and nothing else.

AutoScout24's pages carry their content as JSON in a script `__NEXT_DATA__`, under
`props.pageProps`. Beside the car there are the seller's name, phone and street, and the car's plate
and vehicle number. A page is reduced to the paths below before anything reads or keeps it, so that
these are never held.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NewType

from crawlers.errors import MarqueError
from crawlers.pages.autoscout24.gallery import GUID
from crawlers.pages.autoscout24.offer_link import without_words

Json = dict[str, Any]
Reduced = NewType("Reduced", Json)
"""A page's `pageProps` with the declared paths only; every value in it has a declared type."""


class MalformedPageError(MarqueError):
    """A page has the script that carries its content, and it cannot be read as JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    """One path below `pageProps`, and the types that its value may have.

    In `path`, `[]` is each item of a list, `*` each number that is a key, and `{}` the object that
    a text holds as JSON. `optional` says that a sound page may be without it, or have null there.
    `free` marks what sellers type themselves: it is left out where it looks like a way to reach
    somebody. `link` marks the address of an offer, which loses its words where they do.
    """

    path: str
    kinds: tuple[type, ...]
    optional: bool = False
    free: bool = False
    link: bool = False


SEARCH = (
    Field("numberOfResults", (int,)),
    Field("numberOfPages", (int,)),
    Field("trafficAnalysisResult", (str,)),
    Field("pageQuery.mmmv", (str,), optional=True),
    Field("pageQuery.cy", (str,), optional=True),
    Field("pageQuery.fregfrom", (str,), optional=True),
    Field("pageQuery.fregto", (str,), optional=True),
    Field("pageQuery.bcol", (str,), optional=True),
    Field("pageQuery.body", (str,), optional=True),
    Field("taxonomy.makes.*.label", (str,), optional=True),
    Field("taxonomy.models.*[].value", (int,), optional=True),
    Field("taxonomy.models.*[].label", (str,), optional=True),
    Field("listings[].id", (str,)),
    Field("listings[].url", (str,), link=True),
    Field("listings[].images[]", (str,)),
    Field("listings[].price.priceRaw", (int,), optional=True),
    Field("listings[].vehicle.make", (str,)),
    Field("listings[].vehicle.model", (str,)),
    Field("listings[].vehicle.modelId", (int,)),
    Field("listings[].vehicle.modelGroup", (str,), optional=True),
    Field("listings[].vehicle.variant", (str,), optional=True),
    Field("listings[].vehicle.modelVersionInput", (str,), free=True),
    Field("listings[].tracking.firstRegistration", (str,)),
    Field("listings[].tracking.mileage", (str,)),
    Field("listings[].tracking.price", (str,)),
    Field("listings[].tracking.imageContent", (str,)),
    Field("listings[].tracking.modelTaxonomy", (str,)),
    Field("listings[].searchResultType", (str,)),
    Field("listings[].searchResultSection", (str,)),
)

OFFER = (
    Field("listingDetails.id", (str,)),
    Field("listingDetails.status", (str,)),
    Field("listingDetails.images[]", (str,)),
    Field("listingDetails.isCoverImagePlaceholder", (bool,)),
    Field("listingDetails.prices.public.priceRaw", (int,), optional=True),
    Field("listingDetails.trackingParams.classified_bodyType", (int, str)),
    Field("listingDetails.adTargetingString{}.art", (str,)),
    Field("listingDetails.vehicle.makeId", (int,)),
    Field("listingDetails.vehicle.make", (str,)),
    Field("listingDetails.vehicle.modelId", (int,)),
    Field("listingDetails.vehicle.model", (str,)),
    Field("listingDetails.vehicle.modelGroup", (str,), optional=True),
    Field("listingDetails.vehicle.variant", (str,), optional=True),
    Field("listingDetails.vehicle.modelVersionInput", (str,), free=True),
    Field("listingDetails.vehicle.bodyColor", (str,), optional=True),
    Field("listingDetails.vehicle.bodyColorRaw", (str,), optional=True),
    Field("listingDetails.vehicle.bodyColorOriginal", (str,), optional=True, free=True),
    Field("listingDetails.vehicle.firstRegistrationDateRaw", (str,), optional=True),
    Field("listingDetails.vehicle.mileageInKmRaw", (int,), optional=True),
    Field("listingDetails.vehicle.productionYear", (int,), optional=True),
    Field("listingDetails.vehicle.rawData.bodyType.raw", (str,)),
    Field("listingDetails.vehicle.rawData.bodyColor.raw", (str,), optional=True),
)

# A number to call, as the countries of the sites write it, an address of mail or of a site. A
# version that looks like one by chance is a small loss.
_CONTACT = re.compile(
    r"(?<![\d.,])(?:\+|0)(?:[ /().-]{0,2}\d){7}"
    r"|(?<![\d.,])[36]\d\d[ ./-]?\d{3}[ ./-]?\d{3,4}(?!\d)"
    r"|\d{9}|@|\bwww\.|://",
    re.IGNORECASE,
)
_STEP = re.compile(r"\[\]|\{\}|\*|[^.\[\]{}]+")


def path_steps(path: str) -> list[str]:
    """A path of a `Field` cut into keys, `[]`, `{}` and `*`."""
    return _STEP.findall(path)


def _tree(fields: Iterable[Field]) -> Json:
    root: Json = {}
    for field in fields:
        *parents, last = path_steps(field.path)
        node = root
        for step in parents:
            node = node.setdefault(step, {})
        node[last] = field
    return root


_SEARCH_TREE = _tree(SEARCH)
_OFFER_TREE = _tree(OFFER)


def reduce_search(page_props: Json) -> Reduced:
    """A search page's `pageProps` with the paths of `SEARCH` only."""
    return Reduced(_keep(page_props, _SEARCH_TREE) or {})


def reduce_offer(page_props: Json) -> Reduced:
    """An offer's `pageProps` with the paths of `OFFER` only."""
    return Reduced(_keep(page_props, _OFFER_TREE) or {})


def _keep(value: Any, tree: Any) -> Any:
    """`value` cut down to `tree`; None where nothing of it is declared or it has another type."""
    if isinstance(tree, Field):
        return _kept_value(value, tree)
    if "[]" in tree:
        return _kept_items(value, tree["[]"]) if isinstance(value, list) else None
    if "{}" in tree:
        return _kept_text(value, tree["{}"]) if isinstance(value, str) else None
    if not isinstance(value, dict):
        return None
    if "*" in tree:
        numbers = [key for key in value if re.fullmatch("[0-9]{1,9}", key)]
        return _filled({key: _keep(value[key], tree["*"]) for key in numbers})
    return _filled({key: _keep(value[key], branch) for key, branch in tree.items() if key in value})


def _kept_value(value: Any, field: Field) -> Any:
    if type(value) not in field.kinds:  # not isinstance: True is no number here
        return None
    if field.link and _CONTACT.search(re.sub(f"-{GUID}.*", "", value)):
        return without_words(value)
    return None if field.free and _CONTACT.search(value) else value


def _kept_items(items: list[Any], tree: Any) -> list[Any]:
    return [kept for kept in (_keep(item, tree) for item in items) if kept is not None]


def _kept_text(text: str, tree: Any) -> str | None:
    try:
        kept = _keep(json.loads(text), tree)
    except (ValueError, RecursionError):
        return None
    return None if kept is None else json.dumps(kept)


def _filled(values: Json) -> Json:
    return {key: value for key, value in values.items() if value is not None}
