"""`marque review`: labels that a person should look at go out, and their decisions come in."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.errors import UsageMistakeError
from core.text import counted
from marque.common import F, loss_option, run_flow, shared_options
from marque.terminal import print_json, say

if TYPE_CHECKING:
    from catalog.table import Catalog
    from labeling.review.waiting import Queue

REVIEW_REASONS = ("contradiction", "people-disagree", "suspected-label", "near-threshold")
"""Why a label waits for a person; `labeling.review.cases` has them too, and takes long to load."""


@click.group()
def review() -> None:
    """Let people look at the labels where that helps most, and take in what they decide."""


def which_options(command: F) -> F:
    """--attribute and --reason: which labels are meant."""
    attribute = click.option(
        "--attribute", "attributes", multiple=True, metavar="NAME",
        help="Only labels of this attribute, such as color. Repeatable.",
    )  # fmt: skip
    reason = click.option(
        "--reason",
        "reasons",
        multiple=True,
        type=click.Choice(REVIEW_REASONS),
        help="Only labels that wait for this reason. Repeatable.",
    )
    return attribute(reason(command))


@review.command()
@which_options
@shared_options
def stats(attributes: tuple[str, ...], reasons: tuple[str, ...], as_json: bool) -> None:
    """Show how many labels wait for a person, and why; and who decided how many.

    Every photo is looked at: 100,000 take some minutes.
    """
    from labeling.review.stats import decisions_by_person

    catalog, queue = _queue(attributes, reasons)
    document = _counted(queue) | {"decisions": decisions_by_person(catalog)}
    if as_json:
        print_json(document)
    else:
        _print_stats(document)


@review.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder to write tasks.json, config.xml and review.csv to; it must be new or empty.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 2000),
    default=500,
    show_default=True,
    help="Take at most this many photos; more make a file that Label Studio is slow with.",
)
@which_options
@shared_options
def export(
    out: Path, limit: int, attributes: tuple[str, ...], reasons: tuple[str, ...], as_json: bool
) -> None:
    """Write the labels that a person should look at first, for Label Studio and as a table."""
    from catalog.photos import DAMAGED_PHOTO
    from labeling.review.export import check_folder, export_review
    from labeling.review.waiting import choose

    check_folder(out)  # before what takes long
    catalog, queue = _queue(attributes, reasons)
    chosen = choose(catalog, queue, limit)
    damaged = set(export_review(catalog, chosen, out))
    for key in sorted(damaged):
        say(f"Left out: photo {key} is {DAMAGED_PHOTO}", err=True)
    chosen = [each for each in chosen if each.image_id not in damaged]
    counts = Counter(case.reason for each in chosen for case in each.cases)
    document = {"out": str(out), "photos": len(chosen), "cases": dict(counts)}
    document |= {"damaged": sorted(damaged)} | _counted(queue)
    if as_json:
        print_json(document)
        return
    waiting = f"{len(chosen):,} of {counted(queue.photos, 'waiting photo')}"
    say(f"{out}: {waiting}, with {counted(counts.total(), 'label')} to decide")


@review.command("import")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE...",
)
@click.option("--by", metavar="NAME", help="Who decided, where the file does not say.")
@loss_option
@shared_options
def import_(files: tuple[Path, ...], by: str | None, as_json: bool) -> None:
    """Take decisions in: each FILE is a review.csv that was filled in, or what Label Studio exports
    as JSON or JSON-MIN.

    Good lines are taken, and the others reported. Doing it again adds nothing.
    """
    from flows.review import review_import as flow

    paths = [str(file.resolve()) for file in files]
    run_flow(lambda: flow(files=paths, by=by), as_json=as_json)


@review.command()
@shared_options
def quality(as_json: bool) -> None:
    """Measure sources, networks and labels against what people decided.

    Accuracy, coverage and calibration by attribute and value, and a reliability diagram.
    """
    from flows.quality import label_quality as flow

    run_flow(flow, as_json=as_json)


def _queue(attributes: tuple[str, ...], reasons: tuple[str, ...]) -> "tuple[Catalog, Queue]":
    from flows.resources import catalog_at
    from flows.settings import load_settings
    from labeling.review.waiting import load_queue

    catalog = catalog_at(load_settings(), create=False)
    for name in attributes:
        if name not in catalog.vocabulary.attributes:
            there = ", ".join(catalog.vocabulary.attributes)
            raise UsageMistakeError(f"there is no attribute {name!r}; there are: {there}")
    return catalog, load_queue(catalog, attributes, reasons)


def _counted(queue: "Queue") -> dict[str, Any]:
    ordered = sorted(
        queue.counts.items(),
        key=lambda item: (REVIEW_REASONS.index(item[0][0]), -item[1], item[0][1]),
    )
    return {
        "waiting": queue.photos,
        "labels": [
            {"reason": reason, "attribute": attribute, "labels": count}
            for (reason, attribute), count in ordered
        ],
        "too_few_to_suspect": queue.left_out,
    }


def _print_stats(document: dict[str, Any]) -> None:
    from rich.console import Console

    from marque.tables import print_tables

    tables = {"Waiting": document["labels"], "Decisions": document["decisions"]}
    print_tables(Console(), tables)
    say(f"Waiting for a person: {counted(document['waiting'], 'photo')}.")
    for name, values in document["too_few_to_suspect"].items():
        few = f"{counted(len(values), 'value')}, {counted(sum(values.values()), 'photo')}"
        say(f"Too rare for their labels of {name} to be suspected: {few}.")
