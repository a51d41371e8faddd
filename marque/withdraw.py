"""`marque withdraw PATH`: take back what a table of facts said."""

from pathlib import Path

import click

from core.text import counted
from marque.common import run_flow, shared_options
from marque.terminal import confirm, say


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
def withdraw(path: Path, yes: bool, as_json: bool) -> None:
    """Take back what the sidecar PATH said of photos, or what every sidecar said of the photos in
    the folder PATH.

    Says first how much that is. The photos stay, and so does what people decided; the next ingest
    of the folder uses the sidecar no more unless it is given. PATH may be gone from disk.
    """
    from catalog.withdraw import find_withdrawal
    from flows.resources import catalog_at
    from flows.settings import load_settings
    from flows.withdraw import withdraw as flow

    catalog = catalog_at(load_settings(), create=False)
    found = find_withdrawal(catalog, path.expanduser())
    if not yes:
        for who, facts in sorted(found.said.items()):
            said = ", ".join(f"{name} of {count:,}" for name, count in sorted(facts.items()))
            say(f"{who or 'said before tables were told apart'}: {said}", err=True)
        confirm(f"Take this back of {counted(len(found.places), 'photo')} in {catalog.uri}?")
    run_flow(lambda: flow(path=str(path.expanduser().absolute())), as_json=as_json)
