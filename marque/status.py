"""`marque status`: what is stored, and what waits."""

import click

from marque.common import shared_options
from marque.terminal import print_json


@click.command()
@shared_options
def status(as_json: bool) -> None:
    """Show rows of each table, what waits for each stage, and the last run of each flow."""
    from flows.resources import catalog_at
    from flows.settings import load_settings
    from labeling.publish.status import catalog_status

    settings = load_settings()
    catalog = catalog_at(settings, create=False)
    found = catalog_status(catalog, wanted=settings.model.name)
    if as_json:
        print_json(found)
    else:
        from marque.tables import print_status

        print_status(found)
