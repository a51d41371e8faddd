"""The differences between the country sites of AutoScout24."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CountrySite:
    """One language of one country site.

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
    CountrySite("de", "DE", "D", "de", "angebote", offers_closed=True, category=True),
    CountrySite("at", "AT", "A", "de", "angebote", offers_closed=True, category=True),
    CountrySite("it", "IT", "I", "it", "annunci", category=True),
    CountrySite("nl", "NL", "NL", "nl", "aanbod"),
    CountrySite("be", "BE", "B", "fr", "offres", prefix="/fr"),
    CountrySite("be", "BE", "B", "nl", "aanbod", prefix="/nl"),
    CountrySite("fr", "FR", "F", "fr", "offres"),
    CountrySite("lu", "LU", "L", "fr", "offres"),
    CountrySite("com", "GB", EUROPE, "en", "offers"),
    CountrySite("es", "ES", "E", "es", "anuncios"),
)

TLDS: tuple[str, ...] = tuple(dict.fromkeys(site.tld for site in _ALL))

COUNTRIES: dict[str, tuple[str, str]] = {
    site.tld: (site.cy, site.country) for site in _ALL if site.tld != "com"
}
"""The countries of cars, by site: the country's letters in a search and in a postal address."""


def sites_of(tld: str) -> tuple[CountrySite, ...]:
    """The languages of a country site."""
    return tuple(site for site in _ALL if site.tld == tld)
