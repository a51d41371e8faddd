"""`marque ingest SOURCE PATH`: photos in."""

from pathlib import Path
from typing import Any

import click

from marque.common import F, loss_option, run_flow, shared_options, weights_option
from marque.crawl import SiteCommands


def to_path(_context: click.Context, _parameter: click.Parameter, value: str) -> Path:
    """A path as a person gives it; empty, as an unset variable of a shell is, it means nothing."""
    if not value.strip():
        raise click.BadParameter("it is empty; name a folder, or . for this one")
    return Path(value)


def ingest_options(command: F) -> F:
    """The options that every source of `marque ingest` has."""
    options = (
        click.argument("path", callback=to_path),
        click.option("--limit", type=click.IntRange(min=1), help="Take at most this many photos."),
        click.option(
            "--no-embed",
            is_flag=True,
            help="Only register and label; `marque embed` does the rest later.",
        ),
        weights_option,
        loss_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


class IngestCommands(SiteCommands):
    """The sources on disk, and every site."""

    searchable = True


@click.group(cls=IngestCommands)
def ingest() -> None:
    """Take photos in, label and embed them, and make them searchable.

    Running it again adds nothing twice, and continues where a broken run stopped.
    """


@ingest.command()
@ingest_options
@click.option(
    "--sidecar",
    type=click.Path(path_type=Path, dir_okay=False),
    help="CSV or JSON table with facts of each file.",
)
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="TARGET=COLUMN",
    help="Which column of the sidecar holds what, such as body_type=body. Repeatable.",
)
@shared_options
def folder(
    path: Path,
    sidecar: Path | None,
    columns: tuple[str, ...],
    limit: int | None,
    no_embed: bool,
    as_json: bool,
) -> None:
    """Take in every photo below the folder PATH."""
    _ingest(
        "folder",
        path,
        as_json=as_json,
        limit=limit,
        embed=not no_embed,
        sidecar=None if sidecar is None else str(sidecar.resolve()),
        columns=parse_columns(columns),
    )


@ingest.command("stanford-cars")
@ingest_options
@shared_options
def stanford_cars(path: Path, limit: int | None, no_embed: bool, as_json: bool) -> None:
    """Take in a copy of the Stanford Cars data set at PATH.

    Understands the published devkit, its CSV form, class folders and Hugging Face parquet files.
    """
    _ingest("stanford-cars", path, as_json=as_json, limit=limit, embed=not no_embed)


@ingest.command()
@ingest_options
@click.option(
    "--render", type=click.IntRange(min=1), help="Render this many scenes into PATH first."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Which scenes to render.")
@shared_options
def scenes(
    path: Path,
    render: int | None,
    seed: int,
    limit: int | None,
    no_embed: bool,
    as_json: bool,
) -> None:
    """Take in a folder PATH of rendered car scenes, for trying things out."""
    if render is not None:
        from synthetic.scenes.write import write_scenes

        write_scenes(path, render, seed)
    _ingest("scenes", path, as_json=as_json, limit=limit, embed=not no_embed)


def parse_columns(pairs: tuple[str, ...]) -> dict[str, str] | None:
    """`--map` options -> target: column; raises `click.UsageError`."""
    columns = {}
    for pair in pairs:
        target, equals, column = pair.partition("=")
        if not (target and equals and column):
            raise click.UsageError(f"--map {pair!r} is not TARGET=COLUMN, such as body_type=body")
        columns[target.strip()] = column.strip()
    return columns or None


def _ingest(source: str, path: Path, *, as_json: bool, **given: Any) -> None:
    from flows.ingest import ingest as flow

    given |= {"source": source, "path": str(path.expanduser().resolve())}
    run_flow(lambda: flow(**given), as_json=as_json)
