"""`marque publish`: let searches read what runs wrote."""

from typing import TYPE_CHECKING

import click

from marque.common import loss_option, run_flow, shared_options

if TYPE_CHECKING:
    from flows.reporting.report import RunReport


@click.command()
@loss_option
@shared_options
def publish(as_json: bool) -> None:
    """Check the catalog and let searches read it as it is now.

    Every ingest ends with this; by itself it helps after a run that broke off.
    """

    def call() -> "RunReport":
        from flows.ingest import publish as flow

        return flow()

    run_flow(call, as_json=as_json)
