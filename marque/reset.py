"""`marque reset`: start over."""

from pathlib import Path

import click

from core.text import counted
from marque.common import run_flow, shared_options, weights_option
from marque.terminal import confirm


@click.command()
@click.option(
    "--from",
    "folder",
    required=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of photos to fill the catalog with again.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@weights_option
@shared_options
def reset(folder: Path, yes: bool, as_json: bool) -> None:
    """Delete everything in the catalog and fill it again from a folder."""
    from flows.ingest import reset as flow
    from flows.resources import catalog_at
    from flows.settings import load_settings

    settings = load_settings()
    photos = catalog_at(settings).count("images")
    if not yes:
        confirm(
            f"Delete {counted(photos, 'photo')}, their labels and decisions from "
            f"{settings.catalog_uri}, and fill it from {folder}?",
        )
    run_flow(lambda: flow(path=str(folder.resolve())), as_json=as_json)
