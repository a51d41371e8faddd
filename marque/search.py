"""`marque search`: answers out."""

from pathlib import Path

import click

from embeddings.registry import SPACE
from marque.common import shared_options
from marque.terminal import print_json, say


@click.command()
@click.argument("text", required=False)
@click.option("-k", "k", type=int, default=12, show_default=True, help="How many photos to find.")
@click.option("--image", help="A picture to search by: a file, or the id of a photo here.")
@click.option(
    "--where",
    multiple=True,
    metavar="FILTER",
    help="Only photos that pass, such as body_type=suv, make!=Ford, 'color in red,blue' or "
    "model_year=2008..2012. Repeatable.",
)
@click.option(
    "--space",
    default=SPACE,
    show_default=True,
    metavar="NAME",
    help="The vectors to compare: those of `marque embed --space NAME`.",
)
@click.option(
    "--sheet", type=click.Path(path_type=Path, dir_okay=False), help="Write the answer as a PNG."
)
@shared_options
def search(
    text: str | None,
    k: int,
    image: str | None,
    where: tuple[str, ...],
    space: str,
    sheet: Path | None,
    as_json: bool,
) -> None:
    """Search by TEXT, by picture, or both, among the photos that pass all filters."""
    from flows.answer import answer
    from flows.resources import catalog_at
    from flows.settings import load_settings

    if sheet is not None:
        from search.sheet import check_sheet_path, sheet_png, store_sheet
        from search.sheet_content import answer_sheet

        check_sheet_path(sheet)
    settings = load_settings()
    catalog = catalog_at(settings, create=False)
    found = answer(settings, catalog, text, image, where, k, space=space)
    if sheet is not None:
        store_sheet(sheet_png(answer_sheet(catalog, found)), sheet)
    if as_json:
        print_json(found.to_dict())
    else:
        from marque.tables import print_answer

        print_answer(found.to_dict())
        if sheet is not None:
            say(f"Contact sheet: {sheet}")
