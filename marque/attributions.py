"""`marque attributions`: the credits of photos, to be printed where they are used."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.credits import FORMS, Credit, render_credits
from core.errors import UsageMistakeError
from core.files import atomic_write
from core.text import counted
from marque.common import shared_options
from marque.terminal import print_json, say

if TYPE_CHECKING:
    from catalog.table import Catalog

SUFFIXES = {".md": "markdown", ".html": "html", ".htm": "html", ".csv": "csv"}
"""The ending of a file's name -> the form that it should hold."""


@click.command()
@click.argument("image_ids", nargs=-1, metavar="[IMAGE_ID]...")
@click.option(
    "--where",
    multiple=True,
    metavar="FILTER",
    help="Only published photos that pass, as in `marque search`. Repeatable.",
)
@click.option("--source", metavar="NAME", help="Only photos that were seen at this source.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    default="markdown",
    show_default=True,
    help="How the credits are written.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write them to this file, instead of standard output.",
)
@shared_options
def attributions(
    image_ids: tuple[str, ...],
    where: tuple[str, ...],
    source: str | None,
    form: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Write who is to be credited for photos, and under which license each is.

    The photos are those with these ids, of which the first digits are enough, or else all
    published ones that pass the filters. Photos without a known license are listed apart.
    """
    from catalog.credits import load_credits
    from flows.resources import catalog_at
    from flows.settings import load_settings

    catalog = catalog_at(load_settings(), create=False)
    _check(catalog, source, form, out)
    counts: Counter[bool] = Counter()
    chosen = _chosen(catalog, image_ids, where)
    found = _counted(load_credits(catalog, chosen, source=source), counts)
    kept = list(found) if as_json else None
    lines = render_credits(form, found if kept is None else kept)
    if out is not None:
        _store(out, lines)
    if kept is not None:
        document = {
            "credits": [asdict(each) for each in kept if each.license is not None],
            "no_license": [asdict(each) for each in kept if each.license is None],
            "out": None if out is None else str(out),
        }
        print_json(document)
        return
    if out is None:
        for line in lines:
            say(*line.split("\n"))
    said = (
        f"{counted(counts[True], 'photo')} with a license, {counts[False]:,} with no license known"
    )
    say(said if out is None else f"{out}: {said}", err=True)


def _chosen(catalog: "Catalog", image_ids: Sequence[str], where: Sequence[str]) -> list[str]:
    """The whole ids of the chosen photos, each once."""
    from catalog.filters import parse_filter, to_sql
    from catalog.published import PublishedCars
    from labeling.publish.status import find_photo

    if image_ids and where:
        raise UsageMistakeError("give ids of photos or filters, not both")
    if image_ids:
        return list(dict.fromkeys(find_photo(catalog, each) for each in image_ids))
    filters = [parse_filter(each, catalog.vocabulary) for each in where]
    cars = PublishedCars(catalog)
    for each in filters:
        if each.attribute not in cars.schema.names:
            raise UsageMistakeError(
                f"the published photos have no {each.attribute!r} yet; `marque publish` adds it"
            )
    condition = to_sql(filters, catalog.vocabulary)
    return cars.first(max(cars.count(condition), 1), condition)


def _counted(every: Iterable[Credit], counts: Counter[bool]) -> Iterator[Credit]:
    for credit in every:
        counts[credit.license is not None] += 1
        yield credit


def _store(path: Path, lines: Iterable[str]) -> None:
    """Write a file, all of it or nothing; a device or a pipe is written to directly."""
    path = path.resolve()
    content = (f"{line}\n".encode() for line in lines)
    if path.exists() and not path.is_file():
        with path.open("wb") as there:
            there.writelines(content)
        return
    atomic_write(path, content)


def _check(catalog: "Catalog", source: str | None, form: str, out: Path | None) -> None:
    """Raise `UsageMistakeError` for a source that is not there, and for a file's name that says
    another form."""
    there = sorted(set(catalog.column("sightings", "source").to_pylist()))
    if source is not None and source not in there:
        known = ", ".join(there) or "none"
        raise UsageMistakeError(f"no photo was seen at {source!r}; there are: {known}")
    said = SUFFIXES.get("" if out is None else out.suffix.lower(), form)
    if said != form:
        raise UsageMistakeError(f"{out} would hold {form}; say --format {said}, or another name")
