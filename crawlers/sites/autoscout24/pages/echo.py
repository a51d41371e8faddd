"""Whether a search page answers the search that was asked.

A make or model that the site does not know is answered with the whole market, and a filter it does
not know may be passed over. Every page says which search it answers, and that is compared.
"""

from difflib import get_close_matches

from core.errors import MarqueError, UsageMistakeError
from crawlers.sites.autoscout24.pages.codes import same_name, slug
from crawlers.sites.autoscout24.pages.search import Label, SearchPage
from crawlers.sites.autoscout24.pages.slices import Slice, filters

_COMPARED = ("fregfrom", "fregto", "bcol", "body", "cy")


class EchoError(MarqueError):
    """A search page answers another search than the one that was asked."""


class UnknownSlugError(UsageMistakeError):
    """The site knows no such make or model."""


def check_echo(page: SearchPage, asked: Slice) -> None:
    """Raise `UnknownSlugError` or `EchoError` if `page` is no answer to `asked`.

    Where the page brings no list of makes or models, a slug is taken for what the page understood
    it as.
    """
    _check_known(page, asked)
    want, answer = filters(asked), page.echo
    # Without a country the site puts in its own default.
    names = _COMPARED if asked.site.country else _COMPARED[:-1]
    pairs = {name: (want.get(name, ""), answer.get(name, "")) for name in names}
    pairs["make"] = (str(_wanted_make(page, asked)), str(page.make_id))
    pairs["model"] = (str(_wanted_model(page, asked)), str(page.model_id))
    wrong = [
        f"asked {name}={one or 'nothing'}, answered {name}={other or 'nothing'}"
        for name, (one, other) in pairs.items()
        if _values(one) != _values(other)
    ]
    if wrong:
        raise EchoError(
            f"the page answers another search than {asked}: {'; '.join(wrong)}. "
            "It was not used; has the site changed its parameters?"
        )


def _values(text: str) -> frozenset[str]:
    return frozenset(text.split(","))


def _check_known(page: SearchPage, asked: Slice) -> None:
    known = asked.make_id is not None or _find(page.makes, asked.make) is not None
    if not known and (page.makes or page.make_id is None):
        raise _unknown("make", asked.make, page.makes, asked)
    if asked.model and page.make_id is None:
        raise _unknown("model", asked.model, page.models, asked)
    if asked.model and page.models and _find(page.models, asked.model) is None:
        raise _unknown("model", asked.model, page.models, asked)


def _unknown(kind: str, name: str, labels: tuple[Label, ...], asked: Slice) -> UnknownSlugError:
    slugs = {slug(label.label): label.label for label in labels}
    near = [slugs[match] for match in get_close_matches(name, slugs, n=3)]
    hint = f"near it: {', '.join(near)}" if near else "look up its name in the site's own search"
    return UnknownSlugError(f"{asked.site.host} knows no {kind} {name!r}; {hint}")


def _find(labels: tuple[Label, ...], name: str) -> int | None:
    found = [label for label in labels if same_name(label.label, name)]
    exact = [label for label in found if slug(label.label) == name]
    return (exact or found)[0].id if found else None


def _wanted_make(page: SearchPage, asked: Slice) -> int | None:
    if asked.make_id is not None:
        return asked.make_id
    return _find(page.makes, asked.make) if page.makes else page.make_id


def _wanted_model(page: SearchPage, asked: Slice) -> int | None:
    if asked.model is None:
        return asked.model_id
    return _find(page.models, asked.model) if page.models else page.model_id
