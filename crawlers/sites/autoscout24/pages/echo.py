"""Whether a search page answers the search that was sent.

The site answers an unknown make or model with the whole market, and may ignore an unknown filter.
Every page says which search it answers, and that is compared.
"""

from difflib import get_close_matches

from core.errors import MarqueError, UsageMistakeError
from crawlers.sites.autoscout24.pages.codes import same_name, slug
from crawlers.sites.autoscout24.pages.search import SearchPage, TaxonomyEntry
from crawlers.sites.autoscout24.pages.slices import Slice, filters

_COMPARED = ("fregfrom", "fregto", "bcol", "body", "cy")


class EchoError(MarqueError):
    """A search page answers another search than the one that was sent."""


class UnknownSlugError(UsageMistakeError):
    """The site knows no such make or model."""


def check_echo(page: SearchPage, search: Slice) -> None:
    """Raise `UnknownSlugError` or `EchoError` if `page` does not answer `search`.

    If the page has no list of makes or models, the make or model that it names is believed.
    """
    _check_known(page, search)
    make, model = search.make_id, search.model_id
    if make is None:
        make = _find(page.makes, search.make) if page.makes else page.make_id
    if search.model is not None:
        model = _find(page.models, search.model) if page.models else page.model_id
    want, answer = filters(search), page.echo
    # Without a country the site puts in its own default.
    names = _COMPARED if search.site.country else _COMPARED[:-1]
    pairs = {name: (want.get(name, ""), answer.get(name, "")) for name in names}
    pairs["make"] = (str(make), str(page.make_id))
    pairs["model"] = (str(model), str(page.model_id))
    wrong = [
        f"asked {name}={one or 'nothing'}, answered {name}={other or 'nothing'}"
        for name, (one, other) in pairs.items()
        if set(one.split(",")) != set(other.split(","))
    ]
    if wrong:
        raise EchoError(
            f"the page answers another search than {search}: {'; '.join(wrong)}. "
            "It was not used; has the site changed its parameters?"
        )


def _check_known(page: SearchPage, search: Slice) -> None:
    known = search.make_id is not None or _find(page.makes, search.make) is not None
    if not known and (page.makes or page.make_id is None):
        raise _unknown("make", search.make, page.makes, search)
    if search.model and page.make_id is None:
        raise _unknown("model", search.model, page.models, search)
    if search.model and page.models and _find(page.models, search.model) is None:
        raise _unknown("model", search.model, page.models, search)


def _unknown(
    kind: str, name: str, labels: tuple[TaxonomyEntry, ...], search: Slice
) -> UnknownSlugError:
    slugs = {slug(label.label): label.label for label in labels}
    near = [slugs[match] for match in get_close_matches(name, slugs, n=3)]
    hint = f"near it: {', '.join(near)}" if near else "look up its name in the site's own search"
    return UnknownSlugError(f"{search.site.host} knows no {kind} {name!r}; {hint}")


def _find(labels: tuple[TaxonomyEntry, ...], name: str) -> int | None:
    found = [label for label in labels if same_name(label.label, name)]
    exact = [label for label in found if slug(label.label) == name]
    return (exact or found)[0].id if found else None
