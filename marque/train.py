"""`marque train`: what is learned from the catalog's own labels."""

from pathlib import Path
from typing import Any

import click

from marque.common import loss_option, run_flow, shared_options


@click.group()
def train() -> None:
    """Train on the catalog's own vectors and labels."""


@train.command()
@click.option(
    "--attribute", "attributes", multiple=True, help="Train for this one only. Repeatable."
)
@click.option(
    "--space",
    "spaces",
    multiple=True,
    help="Learn from the vectors of this space; by default the best of all is taken. Repeatable.",
)
@loss_option
@shared_options
def heads(attributes: tuple[str, ...], spaces: tuple[str, ...], as_json: bool) -> None:
    """Train a small classifier for each attribute, and use those that are better than zero-shot.

    They learn from labels of people and of sources. Whether one is better is measured on photos
    that it never saw, by McNemar's test. Of several spaces the one is taken in which it is right
    most often on photos apart from these.
    """
    from flows.training import train_heads as flow

    run_flow(lambda: flow(list(attributes) or None, list(spaces) or None), as_json=as_json)


@train.command()
@click.option(
    "--on",
    "attributes",
    multiple=True,
    metavar="ATTRIBUTE",
    help="A class is a combination of these; by default make and model. Repeatable.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Learn from this folder with one sub-folder a class, not from the catalog.",
)
@click.option("--space", default="siamese", show_default=True, help="The space that is filled.")
@click.option(
    "--from",
    "start",
    default="lite",
    show_default=True,
    metavar="NAME",
    help="Begin with the model of this space, or with a network such as resnet50.",
)
@click.option(
    "--frozen-through",
    metavar="LAYER",
    help="Leave the network as it is up to this layer. For lite that is blocks.3 by default.",
)
@click.option(
    "--loss",
    type=click.Choice(["proxy_anchor", "normalized_softmax", "triplet"]),
    default="proxy_anchor",
    show_default=True,
    help="How photos of a class are drawn together.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 1000),
    default=5,
    show_default=True,
    help="Train for so many at most; it ends earlier where nothing gets better.",
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.IntRange(min=100),
    default=4000,
    show_default=True,
    metavar="MB",
    help="Train on as many photos as take so much memory.",
)
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    help="Decides what is drawn: the same photos and seed give the same network.",
)
@loss_option
@shared_options
def siamese(as_json: bool, **given: Any) -> None:
    """Train an image network so that photos of one class lie near each other, and fill a space.

    A fifth of the classes takes no part: the report says how well their photos are found, before
    and after. `marque search --image FILE --space siamese` looks in it. A training that was
    interrupted goes on when the same command is run again.
    """
    from flows.siamese import SiameseOptions
    from flows.siamese import train_siamese as flow

    if given["folder"] is not None:
        given["folder"] = str(given["folder"].resolve())
    given["attributes"] = list(given["attributes"]) or ["make", "model"]
    run_flow(lambda: flow(SiameseOptions(**given)), as_json=as_json)
