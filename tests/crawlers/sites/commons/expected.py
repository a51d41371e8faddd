"""What every saved record of Commons says, written down by hand from the files."""

from core.licenses import NOT_KNOWN, NOT_STATED, License

BY, BY_SA, CC0 = License("by", "4.0"), License("by-sa", "4.0"), License("cc0", "1.0")
BY_SA_DE, BY_SA_ES = License("by-sa", "3.0", "de"), License("by-sa", "3.0", "es")
COMMONS = "https://commons.wikimedia.org"
USER = f"{COMMONS}/wiki/User:"
REDLINK = f"{COMMONS}/w/index.php?title=User:{{}}&action=edit&redlink=1"

Artist = tuple[str | None, str | None]


def _records(
    said: License | str, creator: str | None, link: str | None, *last_digits: str
) -> dict[int, tuple[License | str, Artist]]:
    """Ids are 4467 and four digits, but for those given in full."""
    ids = [int(digits if len(digits) > 4 else f"4467{digits}") for digits in last_digits]
    return dict.fromkeys(ids, (said, (creator, link)))


EXPECTED: dict[int, tuple[License | str, Artist]] = {
    # 25 under BY-SA 4.0, 6 under BY 4.0, one each of two ports of BY-SA 3.0
    **_records(
        BY_SA, "Pascal Seibt", f"{USER}BTLmovies", "2188", "2189", "2190", "2192", "2193", "2194",
        "2195", "2196", "2197", "2199", "2203", "2205", "2206", "2207",
    ),
    **_records(BY_SA, "Kalungi Nathan", REDLINK.format("Kalungi_Nathan"), "2200"),
    **_records(BY_SA, "Spudgun67", f"{USER}Spudgun67", "2233", "2234"),
    **_records(BY_SA, "Jozefsu", f"{USER}Jozefsu", "2239"),
    **_records(BY_SA, "Acabashi", f"{USER}Acabashi", "2267"),
    **_records(
        BY_SA, "Cjp24", f"{USER}Cjp24", "2269", "2270", "2271", "2272", "2273", "2274"
    ),
    **_records(BY, "ŠJů", f"{USER}%C5%A0J%C5%AF", "2250"),
    **_records(BY, "T. M. Langli", None, "2276"),
    **_records(BY, "Krums Opmaalingskontor", None, "2278", "2284", "2293"),
    **_records(BY, None, None, "2279"),  # a notice that the file lacks its author
    **_records(BY_SA_DE, "Eckhard Henkel", f"{USER}Hasenl%C3%A4ufer", "2185"),
    **_records(BY_SA_ES, "Dulceld69", REDLINK.format("Dulceld69"), "21214211"),
    # 11 under CC0, none of which has an artist
    **_records(
        CC0, None, None, "2277", "2280", "2282", "2283", "2285", "2286", "2288", "2289", "2290",
        "2291", "2292",
    ),
    # 32 in the public domain, as somebody says without an address
    **_records(
        NOT_STATED,
        "The original uploader was Elvezio at Italian Wikipedia.",
        "https://en.wikipedia.org/wiki/it:User:Elvezio",
        "18263872",
    ),
    **_records(
        NOT_STATED, "Alfred Brehm", "https://en.wikipedia.org/wiki/en:Alfred_Brehm", "44666587"
    ),
    **_records(
        NOT_STATED,
        "Bell, Thomas; Darwin, Charles; Gould, Elizabeth; Gould, John; Owen, Richard; "
        "Waterhouse, G. R.",
        None,
        "44669852",
    ),
    **_records(NOT_STATED, "Roeslin, Eucharius", None, "2181", "2245", "2256", "2266"),
    **_records(
        NOT_STATED, "Nicholson, Henry Alleyne", None, "2183", "2208", "2235", "2241", "2247",
        "2254", "2259", "2264",
    ),
    **_records(
        NOT_STATED, "British Museum (Natural History).; Clark, Hubert Lyman", None, "2186", "2210",
        "2238", "2248", "2253", "2257", "2268",
    ),
    **_records(
        NOT_STATED, "Holland, W. J.", None, "2187", "2213", "2240", "2252", "2258", "2263", "2281"
    ),
    **_records(
        NOT_STATED, "Edvard Munch", "https://en.wikipedia.org/wiki/en:Edvard_Munch", "2212"
    ),
    **_records(NOT_STATED, "Unknown", None, "2214"),
    **_records(
        NOT_STATED, "Ausschnittsbild, hochgeladen von AxelHH", f"{USER}AxelHH", "2255"
    ),
    # 2 whose "No restrictions" leads to a page that is no license
    **_records(
        NOT_KNOWN,
        "Internet Archive Book Images",
        "https://www.flickr.com/people/126377022@N07",
        "42098895",
    ),
    **_records(
        NOT_KNOWN,
        "Vanderhorst, James P; Heidel, Bonnie L; Pierce, John; Cooper, Stephen V; "
        "United States. Bureau of Land Management; Montana Natural Heritage Program",
        None,
        "42211633",
    ),
}  # fmt: skip
