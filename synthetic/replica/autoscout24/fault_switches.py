"""The switches of AutoScout24's pages and pictures."""

from synthetic.replica.faults import declare_faults

PAGE_FAULTS = declare_faults(
    {
        "bounce-home": "pages redirect to the home page",
        "crawl-delay": "robots.txt asks for =SECONDS between requests",
        "drift": "pages lack what lies at =PATH of pageProps, such as "
        "listingDetails.vehicle.bodyColor or listings.tracking.price; several are joined by +",
        "empty-listings": "a search counts its cars and lists none",
        "english-labels": "every site has English words and numbers",
        "forbidden-403": "pages answer 403",
        "guid-reused": "an offer redirects to another car's; with =content it shows that one",
        "inactive": "an offer is there and says that it is not active",
        "missing-price-raw": "rows and offers have no priceRaw",
        "no-listings": "a search is an error page, with data that has no listings",
        "no-next-data": "pages answer 200 without __NEXT_DATA__",
        "null-color": "an offer says nothing about its color",
        "pages-beyond-end": "a search counts =5 pages more than it has",
        "png-stems": "the addresses of photos say .png where they say .jpg else",
        "recommendations": "rows of other cars follow, in a section of their own",
        "redirect-to-list": "an offer redirects to the list of its model",
        "removed-404": "an offer answers 404",
        "removed-410": "an offer answers 410",
        "search-404": "a search answers 404, as if it had a parameter that the site does not take",
        "slug-changed": "an offer redirects to another slug with the same guid",
        "too-many-requests": "pages and photos answer 429, with Retry-After: =SECONDS if given",
        "transient-404": "an offer answers 404 the first time it is asked for",
        "unregistered-hidden": "searches by first registration leave out new cars, which have none",
    }
)

PHOTO_FAULTS = declare_faults(
    {
        "endless": "a photo has no end (10 GB); with =declared it says so in Content-Length",
        "html-as-jpeg": "a photo is an HTML page that says image/jpeg",
        "noai": "a photo says X-Robots-Tag: noai",
        "noimageai": "a photo says X-Robots-Tag: noimageai",
        "noindex": "a photo says X-Robots-Tag: noindex",
        "not-found": "a photo answers 404",
        "redirect-file": "a photo redirects to a file of the machine that asks",
        "redirect-loopback-other-port": "a photo redirects to =PORT (9) of this machine",
        "redirect-metadata": "a photo redirects to the address where clouds keep credentials",
        "slow-forever": "a photo comes a byte a second, forever",
        "truncated": "a photo ends half-way",
    }
)
