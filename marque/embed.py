"""`marque embed`: what waits for a vector gets one."""

import os
from pathlib import Path
from typing import get_args

import click

from embeddings.registry import Metric, Pooling
from marque.common import loss_option, run_flow, shared_options


@click.command()
@click.option(
    "--space",
    "spaces",
    multiple=True,
    metavar="NAME",
    help="Fill this space for the photos that are in the catalog: lite, a network of torchvision "
    "or timm such as vgg16, or any name with --model. Repeatable.",
)
@click.option("--model", help="Model of that space: timm:NAME, torchvision:NAME, or of open_clip.")
@click.option(
    "--weights",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Weights file of the model, instead of the one from the model hub.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="NAME",
    help="Layer of the network whose output is taken; several are joined. Repeatable.",
)
@click.option(
    "--pooling",
    type=click.Choice(get_args(Pooling)),
    help="What of a layer's output is taken over the picture: mean, max, or both.",
)
@click.option(
    "--metric", type=click.Choice(get_args(Metric)), help="How vectors of the space are compared."
)
@loss_option
@shared_options
def embed(
    spaces: tuple[str, ...],
    model: str | None,
    weights: Path | None,
    layers: tuple[str, ...],
    pooling: Pooling | None,
    metric: Metric | None,
    as_json: bool,
) -> None:
    """Embed the photos that wait for it, and publish.

    That is after `--no-embed`, after a broken run, or when MARQUE_SEMANTIC_MODEL names another
    model than the one that made the vectors. With --space, other spaces are filled: new columns of
    vectors, in which `marque search --space NAME` looks by picture.
    """
    from flows.ingest import embed as flow

    file = None if weights is None else str(weights.expanduser().resolve())
    if file is not None and not spaces:
        os.environ["MARQUE_SEMANTIC_WEIGHTS"] = file
        file = None
    run_flow(
        lambda: flow(list(spaces) or None, model, file, list(layers) or None, pooling, metric),
        as_json=as_json,
    )
