"""`marque label`: networks say what is in photos; and why a label is what it is."""

from typing import TYPE_CHECKING, Any

import click

from marque.common import loss_option, run_flow, shared_options
from marque.terminal import print_json

if TYPE_CHECKING:
    from collections.abc import Mapping


class LabelerChoice(click.Choice[str]):
    """A labeler of pictures by name; `colour`, as it was once written, is understood too."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it is written today."""
        return super().convert("color" if value == "colour" else value, param, ctx)


@click.command()
@click.option(
    "--explain", "image_id", metavar="IMAGE_ID", help="Say why the labels of one photo are so."
)
@click.option(
    "--with",
    "pictures",
    multiple=True,
    type=LabelerChoice(["color", "surroundings"]),
    help="A labeler that looks at the pictures themselves, by segments of them: the color of the "
    "paint; background and people around the car. Repeatable.",
)
@click.option(
    "--calibrate", is_flag=True, help="Recalibrate the networks with the labels known now."
)
@loss_option
@shared_options
def label(image_id: str | None, pictures: tuple[str, ...], calibrate: bool, as_json: bool) -> None:
    """Label the photos that wait for it, and publish.

    Words of sources are read, and the networks in use are asked about every photo that has a
    vector; nothing is embedded, except for --with surroundings. Every ingest labels its own photos
    in the same way: this command helps after the vocabulary has changed, after a run was
    interrupted, and with --with and --calibrate.
    """
    if image_id is not None:
        if pictures or calibrate:
            raise click.UsageError("--explain only looks: leave --with and --calibrate out")
        _explain(image_id, as_json)
        return
    from flows.label import label as flow

    names = list(pictures) or None
    run_flow(lambda: flow(pictures=names, calibrate=calibrate), as_json=as_json)


def _explain(image_id: str, as_json: bool) -> None:
    from flows.resources import catalog_at
    from flows.settings import load_settings
    from labeling.explain import explain_photo
    from labeling.publish.status import find_photo

    catalog = catalog_at(load_settings(), create=False)
    explained = explain_photo(catalog, find_photo(catalog, image_id))
    if as_json:
        print_json(explained)
    else:
        _print(explained)


def _print(explained: "Mapping[str, Any]") -> None:
    from rich.console import Console

    from marque.tables import print_tables
    from marque.terminal import shown

    console = Console()
    console.print(shown(explained["image_id"]))
    labels = [
        {
            "attribute": row["attribute"],
            "label": "unknown" if row["value"] is None else ", ".join(row["value"]) or "none",
            "why": row["why"],
        }
        for row in explained["labels"]
    ]
    said = [
        {
            "attribute": row["attribute"],
            "says": _said(row),
            "sure": "" if row["confidence"] is None else f"{row['confidence']:.2f}",
            "who": f"{row['origin']} {row['by']}",
            "version": row["version"][-8:],
            "when": row["created_at"][:10],
            "counts": "against" if row["against"] else "yes" if row["counts"] else "no longer",
        }
        for row in explained["assertions"]
    ]
    print_tables(console, {"Labels": labels, "Everything that was said": said})
    if not labels:
        console.print("Nobody has said anything about this photo yet.")


def _said(row: "Mapping[str, Any]") -> str:
    if row["one_of"]:
        return " or ".join(row["values"]) or "cannot be determined"
    return ", ".join(row["values"]) or "none"
