"""The differences between the country sites of AutoScout24."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SiteLocale:
    """A country site in one of its languages.

    `cy` is its own country (or countries) in a search, `segment` the first segment of an offer's
    path, `prefix` the prefix of every path. `offers_closed` chooses one of the two kinds of
    robots.txt; `category` says whether slugs name make and model by number.
    """

    tld: str
    country: str
    cy: str
    language: str
    segment: str
    prefix: str = ""
    offers_closed: bool = False
    category: bool = False

    @property
    def host(self) -> str:
        """The name of its host on the web."""
        return f"www.autoscout24.{self.tld}"

    @property
    def culture(self) -> str:
        """Language and country, such as `de-DE`."""
        return f"{self.language}-{self.country}"


EUROPE = "D,A,B,E,F,I,L,NL"

_ALL = (
    SiteLocale("de", "DE", "D", "de", "angebote", offers_closed=True, category=True),
    SiteLocale("at", "AT", "A", "de", "angebote", offers_closed=True, category=True),
    SiteLocale("it", "IT", "I", "it", "annunci", category=True),
    SiteLocale("nl", "NL", "NL", "nl", "aanbod"),
    SiteLocale("be", "BE", "B", "fr", "offres", prefix="/fr"),
    SiteLocale("be", "BE", "B", "nl", "aanbod", prefix="/nl"),
    SiteLocale("fr", "FR", "F", "fr", "offres"),
    SiteLocale("lu", "LU", "L", "fr", "offres"),
    SiteLocale("com", "GB", EUROPE, "en", "offers"),
    SiteLocale("es", "ES", "E", "es", "anuncios"),
)

TLDS: tuple[str, ...] = tuple(dict.fromkeys(site.tld for site in _ALL))

COUNTRIES: dict[str, tuple[str, str]] = {
    site.tld: (site.cy, site.country) for site in _ALL if site.tld != "com"
}
"""The countries of cars, by site: the country's letters in a search and in a postal address."""


def sites_of(tld: str) -> tuple[SiteLocale, ...]:
    """The languages of a country site."""
    return tuple(site for site in _ALL if site.tld == tld)
