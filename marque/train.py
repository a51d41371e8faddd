"""`marque train`: what is learned from the catalog's own labels."""

from typing import TYPE_CHECKING

import click

from marque.common import loss_option, run_flow, shared_options

if TYPE_CHECKING:
    from flows.reporting.report import RunReport


@click.group()
def train() -> None:
    """Train on the catalog's own vectors and labels."""


@train.command()
@click.option(
    "--attribute", "attributes", multiple=True, help="Train for this one only. Repeatable."
)
@loss_option
@shared_options
def heads(attributes: tuple[str, ...], as_json: bool) -> None:
    """Train a small classifier for each attribute, and use those that are better than zero-shot.

    They learn from labels of people and of sources. Whether one is better is measured on photos
    that it never saw, by McNemar's test.
    """

    def call() -> "RunReport":
        from flows.training import train_heads

        return train_heads(list(attributes) or None)

    run_flow(call, as_json=as_json)
