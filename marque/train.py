"""`marque train`: what is learned from the catalog's own labels."""

import click

from marque.common import loss_option, run_flow, shared_options


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
    from flows.training import train_heads as flow

    run_flow(lambda: flow(list(attributes) or None), as_json=as_json)
