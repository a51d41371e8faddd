"""`marque models`: which models there are, bringing one here, and whether its weights are whole."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from embeddings.registry import SPACE
from marque.common import F, shared_options
from marque.terminal import print_json, say

if TYPE_CHECKING:
    from embeddings.models import FileCheck
    from embeddings.registry import ModelSpec
    from flows.settings import Settings


def model_options(command: F) -> F:
    """NAME and --weights of the commands about one model, by default that of the settings."""
    name = click.argument("name", required=False)
    weights = click.option(
        "--weights",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Weights file of the model, instead of the one from the model hub.",
    )
    return name(weights(command))


@click.group()
def models() -> None:
    """List, fetch and verify embedding models.

    A model is named as in MARQUE_SEMANTIC_MODEL: ARCHITECTURE/TAG, hf-hub:ORG/REPO,
    local-dir:PATH, ARCHITECTURE with --weights, or marque-tiny.
    """


@models.command("list")
@click.option("--all", "every", is_flag=True, help="Every model that open_clip knows, too.")
@shared_options
def list_(every: bool, as_json: bool) -> None:
    """List the models that are on this machine, and those that the settings and vectors need; and
    the spaces of the catalog, with how many photos each is filled for."""
    from embeddings.models import list_models
    from embeddings.registry import PUBLISHED
    from flows.settings import load_settings

    settings = load_settings()
    spaces = _spaces(settings)
    uses = {"settings": settings.model} | {
        "vectors" if name == SPACE else f"space {name}": spec for name, (spec, _) in spaces.items()
    }
    named = list(uses.values())
    rows: list[dict[str, Any]] = [
        {
            "model": each.spec.name,
            "weights": each.spec.weights,
            "here": each.place is not None,
            "place": each.place,
            "path": None if each.path is None else str(each.path),
            "bytes": each.size,
            "license": each.license,
            "published": PUBLISHED.get(each.spec.name),
            "pinned_sha256": each.pinned,
            "used_by": [use for use, spec in uses.items() if spec == each.spec],
        }
        for each in list_models(settings.home_path, named, every=every)
    ]
    if as_json:
        print_json({"models": rows, "spaces": [facts for _, facts in spaces.values()]})
    else:
        _print_list(rows, [facts for _, facts in spaces.values()])


@models.command()
@model_options
@click.option(
    "--to",
    "folder",
    type=click.Path(path_type=Path),
    help="Also make a copy in this new folder, for machines without internet.",
)
@shared_options
def fetch(name: str | None, weights: Path | None, folder: Path | None, as_json: bool) -> None:
    """Bring a model here, prove that it is whole and loads, and pin its weights.

    What is on this machine already is not asked for again. A copy made with --to is used on
    another machine with MARQUE_SEMANTIC_MODEL=local-dir:FOLDER; `sha256sum --check SHA256SUMS` in
    it, or `marque models verify`, says whether it is complete.
    """
    from embeddings.models import fetch_model
    from flows.settings import load_settings

    settings = load_settings()
    spec = _spec(settings, name, weights)
    done = fetch_model(spec, settings.home_path)
    if folder is not None:
        from embeddings.export import copy_model

        copy_model(spec, folder.expanduser().resolve())
    document = {
        **asdict(done.pin),
        "path": str(done.path),
        "version": done.version,
        "weights_sha256": done.weights_sha256,
        "downloaded": done.downloaded,
        "doubt": done.doubt,
        "copy": None if folder is None else str(folder.expanduser().resolve()),
    }
    if as_json:
        print_json(document)
    else:
        _print_fetched(document)


@models.command()
@model_options
@shared_options
def verify(name: str | None, weights: Path | None, as_json: bool) -> None:
    """Read a model's files and compare them with what their origin states, and with the pin.

    Asks no hub. Exit status 1 if a file is truncated, altered or missing.
    """
    from embeddings.models import verify_model, worst
    from flows.settings import load_settings

    settings = load_settings()
    spec = _spec(settings, name, weights)
    files = verify_model(spec, settings.home_path)
    if as_json:
        rows = [asdict(each) | {"path": str(each.path)} for each in files]
        print_json({"model": spec.name, "state": worst(files), "files": rows})
    else:
        _print_verified(spec.name, files)
    if worst(files) == "problem":
        sys.exit(1)


def _spec(settings: "Settings", name: str | None, weights: Path | None) -> "ModelSpec":
    from embeddings.registry import model_spec

    if weights is None and name in (None, settings.semantic_model):
        return settings.model
    return model_spec(name or settings.semantic_model, weights)


def _spaces(settings: "Settings") -> "dict[str, tuple[ModelSpec, dict[str, Any]]]":
    """Space of the catalog -> its model, and its facts; empty without a catalog."""
    from catalog.car_columns import space_records
    from catalog.table import CatalogError
    from embeddings.registry import SpaceRecord
    from flows.resources import catalog_at
    from labeling.publish.status import describe_spaces

    try:
        catalog = catalog_at(settings, create=False)
        stored = space_records(catalog.table("cars").schema)
        described = describe_spaces(catalog)
    except CatalogError:
        return {}
    return {
        each["space"]: (SpaceRecord.from_json(stored[each["space"]]).spec, each)
        for each in described
    }


def _print_list(rows: list[dict[str, Any]], spaces: list[dict[str, Any]]) -> None:
    from rich.console import Console

    from marque.tables import print_tables, space_rows

    places = {None: "no", "project": "part of Marque", "folder": "yes", "cache": "hub's cache"}
    places["package"] = "a package"
    shown = [
        {
            "model": row["model"],
            "on this machine": row["path"] if row["place"] == "file" else places[row["place"]],
            "MB": "" if row["bytes"] is None else round(row["bytes"] / 1e6, 1),
            "license": row["license"] or "see its page",
            "pinned": (row["pinned_sha256"] or "")[:12],
            "used by": ", ".join(row["used_by"]),
        }
        for row in rows
    ]
    console = Console()
    print_tables(console, {"Models": shown, "Spaces": space_rows(spaces)})
    for row in rows:
        if row["published"]:
            say(f"{row['model']}: {row['published']}")


def _print_fetched(document: dict[str, Any]) -> None:
    how = "downloaded" if document["downloaded"] else "was here already"
    lines = [
        f"{document['model']}: {how}, whole, and loads.",
        f"{document['path']}, {document['size']:,} bytes",
        f"sha256 {document['sha256']}, pinned on {document['pinned_at'][:10]}",
    ]
    if document["doubt"]:
        lines.append(f"Note: {document['doubt']}.")
    if document["copy"]:
        lines.append(
            f"Copied to {document['copy']}; where it is carried to, set "
            f"MARQUE_SEMANTIC_MODEL=local-dir:FOLDER."
        )
    say(*lines)


def _print_verified(name: str, files: list["FileCheck"]) -> None:
    from rich.console import Console

    from marque.terminal import shown

    console = Console()
    colors = {"ok": "green", "unknown": "yellow", "problem": "red"}
    console.print(shown(name, style="bold"))
    for each in files:
        said = f"{each.state}: {each.path}, {each.size:,} bytes, sha256 {each.sha256}"
        console.print(shown(said, style=colors[each.state]), soft_wrap=True)
        console.print(shown("; ".join(filter(None, (each.found, each.advice)))), soft_wrap=True)
