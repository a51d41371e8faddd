"""What the parsers make of a case's folder, as JSON: one reader for each kind of case."""

import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import asdict, fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from core.errors import MarqueError
from core.licenses import ACCEPTED
from core.records import Drop, Photo, Source
from crawlers.imports.folder import FolderSource
from crawlers.imports.stanford.read import StanfordCarsSource
from crawlers.sites.autoscout24.pages.codes import BODIES, COUNTRY_SITES, CountrySite, color_name
from crawlers.sites.autoscout24.pages.listing import FilterValue, SearchFacts, make_listing
from crawlers.sites.autoscout24.pages.next_data import next_data, page_props
from crawlers.sites.autoscout24.pages.offer import parse_offer
from crawlers.sites.autoscout24.pages.paths import reduce_offer, reduce_search
from crawlers.sites.autoscout24.pages.search import Row, parse_search
from crawlers.sites.autoscout24.pages.slices import Slice
from crawlers.sites.commons.pages.answers import parse_answer
from crawlers.sites.commons.pages.parse import parse_file

Json = dict[str, Any]

CASES = Path(__file__).parent
EXPECTED = "expected.json"
SETTINGS = "case.toml"
PHOTOS = "photos.txt"
FOLDER = "FOLDER"
"""Stands in expected records for the folder in which the photos of a case were made."""


def read_case(case: Path) -> Any:
    """What the parsers make of a case now, as `expected.json` holds it; an error is its text."""
    text = case / SETTINGS
    settings = tomllib.loads(text.read_text(encoding="utf-8")) if text.exists() else {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve() / "photos"
        try:
            found = _plain(READERS[case.parent.name](case, settings, folder))
        except MarqueError as error:
            found = {"error": type(error).__name__, "message": str(error)}
        return _without(str(folder), found)


def read_autoscout24(case: Path, settings: Json, _: Path) -> Json:
    """`search.html` is a page of the search in `case.toml`, `offer.html` the offer of one of its
    rows, or of the `[row]` in `case.toml`; the listings are what a crawl would store."""
    site = COUNTRY_SITES[settings["site"]]
    found: Json = {}
    rows: tuple[Row, ...] = ()
    if (case / "search.html").exists():
        asked = Slice(site, **settings["search"])
        found["search"] = parse_search(reduce_search(_props(case / "search.html")), search=asked)
        rows = found["search"].rows
    facts = None
    if (case / "offer.html").exists():
        props = reduce_offer(_props(case / "offer.html"))
        if "row" in settings:
            rows = (Row(**settings["row"], section="Main"),)
        else:
            its = props["listingDetails"]["id"]
            rows = tuple(row for row in rows if row.id == its)[:1]
        facts = found["offer"] = parse_offer(props, row=rows[0], language=site.language)
    searched = _searched(settings.get("searched", {}), site)
    found["listings"] = [
        make_listing(row, facts, searched, page_url=f"https://{site.host}{row.url}", size="480x360")
        for row in rows
    ]
    return found


def read_commons(case: Path, settings: Json, _: Path) -> Json:
    """`answer.json` is an answer of the API; each of its pages becomes a listing or a drop."""
    answer = parse_answer((case / "answer.json").read_bytes())
    accepted = settings.get("accepted", ACCEPTED)
    files = [parse_file(page, accepted=accepted) for page in answer.pages]
    return {"files": files, "more": answer.more}


def read_sidecar(case: Path, settings: Json, folder: Path) -> Json:
    """A folder with the files of `photos.txt`, and the case's one other file as its sidecar."""
    _make_photos(case, folder)
    known = {EXPECTED, SETTINGS, PHOTOS}
    (table,) = (path for path in case.iterdir() if path.name not in known)
    (folder / table.name).write_bytes(table.read_bytes())
    source = FolderSource(folder, sidecar=folder / table.name, columns=settings.get("columns"))
    return _records(source)


def read_stanford(case: Path, settings: Json, folder: Path) -> Json:
    """A data set of the files in `set/`, with the photos of `photos.txt` among them."""
    _make_photos(case, folder)
    for path in sorted((case / "set").rglob("*")):
        if path.is_file():
            copy = folder / path.relative_to(case / "set")
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    return _records(StanfordCarsSource(folder))


READERS: dict[str, Callable[[Path, Json, Path], Json]] = {
    "autoscout24": read_autoscout24,
    "commons": read_commons,
    "sidecar": read_sidecar,
    "stanford": read_stanford,
}
"""Kind of case, which is its folder's name -> how its cases are read."""


def _props(page: Path) -> Json:
    return page_props(next_data(page.read_text(encoding="utf-8")) or {})


def _searched(by: dict[str, int], site: CountrySite) -> SearchFacts:
    color, body = by.get("color"), by.get("body")
    return SearchFacts(
        None if color is None else FilterValue(color, color_name(color, site.language)),
        None if body is None else FilterValue(body, BODIES[body]),
    )


def _make_photos(case: Path, folder: Path) -> None:
    """Each line of `photos.txt` is a file's name; the file holds its name, so that what is read of
    it says which one it was."""
    folder.mkdir()
    listed = case / PHOTOS
    for name in listed.read_text(encoding="utf-8").splitlines() if listed.exists() else ():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def _records(source: Source) -> Json:
    """The records by their kind; a source says the same again, and counts what it says."""
    records = list(source.records())
    assert list(source.records()) == records
    found: Json = {"count": source.count(), "photos": [], "drops": [], "notices": []}
    for record in records:
        if isinstance(record, Photo):
            said = asdict(record.sighting)
            del said["teller"]  # the table's path, which is another one on every run
            found["photos"].append(said | {"sha256": sha256(record.read()).hexdigest()[:12]})
        elif isinstance(record, Drop):
            found["drops"].append(record)
        else:
            found["notices"].append(record)
    return found


def _plain(value: Any) -> Any:
    """The value as JSON has it, without what is empty; a stamp is a digest of the rest."""
    if is_dataclass(value):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
        value.pop("stamp", None)
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        made = {str(name): _plain(item) for name, item in value.items()}
        return {name: item for name, item in made.items() if item not in (None, "", False, {})}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _without(folder: str, value: Any) -> Any:
    if isinstance(value, str):
        return value.replace(folder, FOLDER)
    if isinstance(value, dict):
        return {_without(folder, name): _without(folder, item) for name, item in value.items()}
    return [_without(folder, item) for item in value] if isinstance(value, list) else value
