"""The two kinds of robots.txt of the country sites: with offers closed, and with offers open."""

from synthetic.replica.autoscout24.sites import SiteLocale

_TRAINERS = """\
User-agent: GPTBot
User-agent: ClaudeBot
User-agent: Google-Extended
User-agent: Applebot-Extended
User-agent: CCBot
Disallow: /
Allow: /auto/
"""

_CLOSED = (
    "/lst?", "/lst/?", "/angebote/", "/*?*cat=*", "/modelle/page/", "/regional/page/",
    "/auto-catalog/", "/listing-search-api/graphql", "/ocs/api/graphql", "/dealerarea/",
    "/favorites", "/cockpit/", "/as24-search-funnel/details/",
)  # fmt: skip

_OPEN = (
    "/dealerarea/", "/entry/", "*/util/*", "*/utils/*", "/offres/-", "/lst?", "/lst/?",
    "/lst-moto?", "/recherche-avancee", "/listing-search-api/graphql",
)  # fmt: skip


def robots_text(site: SiteLocale, delay: str) -> str:
    """A site's robots.txt, with `delay` (seconds) as its Crawl-delay unless that is empty."""
    closed = _CLOSED if site.offers_closed else _OPEN
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    if not site.offers_closed:
        lines.append("Allow: /garages/*page=1")
    if delay:
        lines.append(f"Crawl-delay: {delay}")
    lines += ["", "User-agent: facebookexternalhit", f"Allow: /{site.segment}/"]
    return f"{_TRAINERS}\n" + "\n".join(lines) + "\n"
