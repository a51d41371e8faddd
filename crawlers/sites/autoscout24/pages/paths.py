"""The parts of a page that are read, as data: every path that the parsers read, and no other.

AutoScout24's pages carry their content as JSON in a script `__NEXT_DATA__`, under
`props.pageProps`. It also holds the seller's name, phone and street, and the car's plate and
vehicle number. A page is reduced to the paths below before anything reads or stores it, so these
never are.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NewType

from core.errors import MarqueError
from crawlers.sites.autoscout24.pages.gallery import GUID
from crawlers.sites.autoscout24.pages.offer_link import without_words

PageData = dict[str, Any]
ReducedPage = NewType("ReducedPage", PageData)
"""A page's `pageProps` with the declared paths only; every value in it has a declared type."""


class MalformedPageError(MarqueError):
    """The script that carries a page's content cannot be read as JSON."""


@dataclass(frozen=True, slots=True)
class Field:
    """One path below `pageProps`, and the types that its value may have.

    In `declared`, `[]` is each item of a list, `*` each number that is a key, and `{}` the object
    that a text holds as JSON. A sound page has every step of the path; one of its rows is enough.
    The step before a `?`, and what is below it, may be missing, and so may a path if one of
    `unless` has a value. With `optional` the value may be null.
    `free` marks what sellers type themselves: it is left out if it looks like a telephone number or
    an address. `link` marks the URL of an offer, which then loses its words.
    """

    declared: str
    kinds: tuple[type, ...]
    optional: bool = False
    free: bool = False
    link: bool = False
    unless: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The path without its marks."""
        return self.declared.replace("?", "")

    @property
    def required(self) -> list[str]:
        """The steps of the path that a sound page has."""
        sure, mark, _ = self.declared.partition("?")
        steps = path_steps(sure)
        return steps[:-1] if mark else steps


_STEP = re.compile(r"\[\]|\{\}|\*|[^.\[\]{}?]+")


def path_steps(path: str) -> list[str]:
    """A path of a `Field` cut into keys, `[]`, `{}` and `*`."""
    return _STEP.findall(path)


SEARCH = (
    Field("pageid?", (str,), optional=True),
    Field("numberOfResults", (int,)),
    Field("numberOfPages", (int,)),
    Field("trafficAnalysisResult?", (str,)),
    Field("pageQuery.mmmv?", (str,), optional=True),
    Field("pageQuery.cat?", (str,), optional=True),
    Field("pageQuery.cy?", (str,), optional=True),
    Field("pageQuery.fregfrom?", (str,), optional=True),
    Field("pageQuery.fregto?", (str,), optional=True),
    Field("pageQuery.bcol?", (str,), optional=True),
    Field("pageQuery.body?", (str,), optional=True),
    Field("taxonomy.makes.*.label", (str,), optional=True),
    Field("taxonomy.models.*[].value", (int,), optional=True),
    Field("taxonomy.models.*[].label", (str,), optional=True),
    Field("taxonomy.bodyColor?[].value", (int,), optional=True),
    Field("taxonomy.bodyColor?[].label", (str,), optional=True),
    Field("taxonomy.bodyType?[].value", (int,), optional=True),
    Field("taxonomy.bodyType?[].label", (str,), optional=True),
    Field("listings[].id", (str,)),
    Field("listings[].url", (str,), link=True),
    Field("listings[].images[]", (str,)),
    Field("listings[].price?.priceRaw", (int,), optional=True),
    Field("listings[].vehicle.make", (str,)),
    Field("listings[].vehicle.model", (str,)),
    Field("listings[].vehicle.modelId", (int,)),
    Field("listings[].vehicle.modelGroup", (str,), optional=True),
    Field("listings[].vehicle.variant", (str,), optional=True),
    Field("listings[].vehicle.modelVersionInput", (str,), free=True),
    Field("listings[].tracking.firstRegistration", (str,)),
    Field("listings[].tracking.mileage", (str,)),
    Field("listings[].tracking.price", (str,), unless=("listings[].price.priceRaw",)),
    Field("listings[].tracking.imageContent", (str,)),
    Field("listings[].tracking.modelTaxonomy", (str,)),
    Field("listings[].searchResultType", (str,)),
    Field("listings[].searchResultSection", (str,)),
)

_CAR = "listingDetails.vehicle"
_BODIES = (
    "listingDetails.trackingParams.classified_bodyType",
    "listingDetails.adTargetingString{}.art",
    f"{_CAR}.rawData.bodyType.raw",
)

OFFER = (
    Field("pageid?", (str,), optional=True),
    Field("listingDetails.id", (str,)),
    Field("listingDetails.status", (str,)),
    Field("listingDetails.images[]", (str,)),
    Field("listingDetails.isCoverImagePlaceholder", (bool,)),
    Field("listingDetails.prices.public.priceRaw?", (int,), optional=True),
    Field("listingDetails.trackingParams?.classified_bodyType", (int, str)),
    Field("listingDetails.adTargetingString?{}.art", (str,)),
    Field(f"{_CAR}.makeId", (int,)),
    Field(f"{_CAR}.make", (str,)),
    Field(f"{_CAR}.modelId", (int,)),
    Field(f"{_CAR}.model", (str,)),
    Field(f"{_CAR}.modelGroup", (str,), optional=True),
    Field(f"{_CAR}.variant", (str,), optional=True),
    Field(f"{_CAR}.modelVersionInput", (str,), free=True),
    Field(
        f"{_CAR}.bodyColor",
        (str,),
        optional=True,
        unless=(f"{_CAR}.bodyColorRaw", f"{_CAR}.rawData.bodyColor.raw"),
    ),
    Field(f"{_CAR}.bodyColorRaw?", (str,), optional=True),
    Field(f"{_CAR}.bodyColorOriginal", (str,), optional=True, free=True),
    Field(f"{_CAR}.firstRegistrationDateRaw", (str,), optional=True),
    Field(f"{_CAR}.mileageInKmRaw", (int,), optional=True),
    # A text of four digits since September 2026.
    Field(f"{_CAR}.productionYear", (str, int), optional=True),
    Field(f"{_CAR}.bodyType", (str,), unless=_BODIES),
    Field(f"{_CAR}.rawData?.bodyType.raw", (str,)),
    Field(f"{_CAR}.rawData?.bodyColor.raw", (str,), optional=True),
)

# A telephone number as people of these countries write it, or an address of mail or web. It is a
# small loss if a version is left out that only looks like one.
_CONTACT = re.compile(
    r"(?<![\d.,])(?:\+|0)(?:[ /().-]{0,2}\d){7}"
    r"|(?<![\d.,])[36]\d\d[ ./-]?\d{3}[ ./-]?\d{3,4}(?!\d)"
    r"|\d{9}|@|\bwww\.|://",
    re.IGNORECASE,
)


def _tree(fields: Iterable[Field]) -> PageData:
    root: PageData = {}
    for field in fields:
        *parents, last = path_steps(field.path)
        node = root
        for step in parents:
            node = node.setdefault(step, {})
        node[last] = field
    return root


_SEARCH_TREE = _tree(SEARCH)
_OFFER_TREE = _tree(OFFER)
_NOTHING = object()


def reduce_search(page_props: PageData) -> ReducedPage:
    """A search page's `pageProps` with the paths of `SEARCH` only."""
    return ReducedPage(_keep(page_props, _SEARCH_TREE))


def reduce_offer(page_props: PageData) -> ReducedPage:
    """An offer's `pageProps` with the paths of `OFFER` only."""
    return ReducedPage(_keep(page_props, _OFFER_TREE))


def _keep(value: Any, tree: Any) -> Any:
    """`value` reduced to `tree`. A null stays, as it differs from a missing value. A value of an
    undeclared type is `_NOTHING`, as if it were missing."""
    if value is None:
        return None
    if isinstance(tree, Field):
        return _kept_value(value, tree)
    if "[]" in tree:
        return _kept_items(value, tree["[]"]) if isinstance(value, list) else _NOTHING
    if "{}" in tree:
        return _kept_text(value, tree["{}"]) if isinstance(value, str) else _NOTHING
    if not isinstance(value, dict):
        return _NOTHING
    if "*" in tree:
        tree = {key: tree["*"] for key in value if re.fullmatch("[0-9]{1,9}", key)}
    kept = {key: _keep(value[key], branch) for key, branch in tree.items() if key in value}
    return {key: each for key, each in kept.items() if each is not _NOTHING}


def _kept_value(value: Any, field: Field) -> Any:
    if type(value) not in field.kinds:  # not isinstance: True is not a number here
        return _NOTHING
    if field.link and _CONTACT.search(re.sub(f"-{GUID}.*", "", value)):
        return without_words(value)
    return None if field.free and _CONTACT.search(value) else value


def _kept_items(items: list[Any], tree: Any) -> list[Any]:
    kept = (_keep(item, tree) for item in items)
    return [item for item in kept if item is not _NOTHING and item is not None]


def _kept_text(text: str, tree: Any) -> Any:
    try:
        kept = _keep(json.loads(text), tree)
    except (ValueError, RecursionError):
        return _NOTHING
    return _NOTHING if kept is _NOTHING else json.dumps(kept)
