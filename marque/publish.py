"""`marque publish`: let searches read what runs wrote."""

import click

from marque.common import loss_option, run_flow, shared_options


@click.command()
@loss_option
@shared_options
def publish(as_json: bool) -> None:
    """Check the catalog and let searches read it as it is now.

    Every ingest ends with this; by itself it helps after an interrupted run.
    """
    from flows.ingest import publish as flow

    run_flow(flow, as_json=as_json)
