"""`marque embed`: what waits for a vector gets one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from marque.common import run_flow, shared_options
from marque.ingest import set_weights

if TYPE_CHECKING:
    from flows.report import RunReport


@click.command()
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Weights file of the model, instead of the one from the model hub.",
)
@shared_options
def embed(weights: Path | None, as_json: bool) -> None:
    """Embed the photos that wait for it, and publish.

    That is after `--no-embed`, after a broken run, or when MARQUE_SEMANTIC_MODEL names another
    model than the one that made the vectors.
    """
    set_weights(weights)

    def call() -> "RunReport":
        from flows.ingest import embed as flow

        return flow()

    run_flow(call, as_json=as_json)
