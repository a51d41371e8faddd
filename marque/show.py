"""`marque show`: everything that is known of one photo."""

from pathlib import Path

import click

from marque.common import shared_options
from marque.terminal import print_json


@click.command()
@click.argument("image_id")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the photo to this file, as it came.",
)
@shared_options
def show(image_id: str, out: Path | None, as_json: bool) -> None:
    """Show what is known of the photo IMAGE_ID; its first digits are enough."""
    from catalog.photos import photo_bytes
    from flows.resources import catalog_at
    from flows.settings import load_settings
    from labeling.publish.status import describe_photo, find_photo

    catalog = catalog_at(load_settings(), create=False)
    key = find_photo(catalog, image_id)
    photo = describe_photo(catalog, key)
    if out is not None:
        content = photo_bytes(catalog, key)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(content)
    if as_json:
        print_json(photo)
    else:
        from marque.tables import print_photo

        print_photo(photo)
