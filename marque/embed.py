"""`marque embed`: what waits for a vector gets one."""

import click

from marque.common import loss_option, run_flow, shared_options, weights_option


@click.command()
@weights_option
@loss_option
@shared_options
def embed(as_json: bool) -> None:
    """Embed the photos that wait for it, and publish.

    That is after `--no-embed`, after a broken run, or when MARQUE_SEMANTIC_MODEL names another
    model than the one that made the vectors.
    """
    from flows.ingest import embed as flow

    run_flow(flow, as_json=as_json)
