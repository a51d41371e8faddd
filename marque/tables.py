"""Reports and answers as tables on standard output."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from rich.console import Console
from rich.table import Table

from core.text import counted
from flows.reporting.report import RunReport
from marque.terminal import shown
from search.query import question_text
from search.wording import labels_text

CHARTED = ("label", "label-quality")
"""Flows whose picture is a chart."""


def print_report(report: RunReport) -> None:
    """The closing report of a run."""
    console = Console()
    print_tables(console, report.tables())
    for message in report.messages:
        console.print(shown(f"Note: {message}", style="yellow"))
    if report.sheet:
        what = "Chart" if report.flow in CHARTED else "Contact sheet"
        console.print(shown(f"{what}: {report.sheet}"), soft_wrap=True)
    console.print(shown(report.summary(), style="bold"))


def print_answer(answer: Mapping[str, Any]) -> None:
    """The hits of an answer, as `Answer.to_dict` gives it, best first."""
    console = Console()
    rows = [
        {
            "": hit["rank"],
            "photo": hit["image_id"][:12],
            "score": "" if hit["score"] is None else f"{hit['score']:.3f}",
            "labels": labels_text(hit["labels"]),
            "where": hit["page_url"] or PurePath(hit["source_id"]).name,
            "license": hit["license"] or "unknown",
        }
        for hit in answer["hits"]
    ]
    took = answer["took_ms"]
    line = f"{question_text(answer['query'])} ({took['query']:.0f} ms)"
    if took["embed"] > 1000:
        line += f", after {took['embed'] / 1000:.1f} s for loading the model"
    print_tables(console, {line: rows})
    if not rows:
        console.print(shown(f"{line}: no photo found"))
    for notice in answer["notices"]:
        console.print(shown(f"Note: {notice}", style="yellow"))


def print_tables(console: Console, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Title -> rows, each as a table with numbers to the right; one without rows is left out."""
    for title, rows in tables.items():
        if not rows:
            continue
        table = Table(title=shown(title), title_justify="left", header_style="bold")
        for name, value in rows[0].items():
            is_number = isinstance(value, int | float)
            table.add_column(shown(name), justify="right" if is_number else "left")
        for row in rows:
            table.add_row(*map(shown, row.values()))
        console.print(table)


def print_photo(photo: Mapping[str, Any]) -> None:
    """Print all facts and labels of one photo."""
    console = Console()
    size = f"{photo['width']}x{photo['height']} {photo['format']}, {photo['bytes']} bytes"
    console.print(shown(photo["image_id"]))
    console.print(shown(f"{size}, perceptual hash {photo['phash']}"))
    labels = [
        {
            "attribute": name,
            "value": ", ".join(label["value"])
            if isinstance(label["value"], list)
            else label["value"],
            "origin": label["origin"],
        }
        for name, label in photo["labels"].items()
    ]
    sightings = [
        {
            "source": row["source"],
            "id there": row["source_id"],
            "words": ", ".join(f"{name}: {word}" for name, word in row["words"].items()),
            "license": row["license"] or "unknown",
        }
        for row in photo["sightings"]
    ]
    said = [
        {
            "attribute": row["attribute"],
            "says": (" or " if row["one_of"] else ", ").join(row["values"]) or "none",
            "who": f"{row['origin']} {row['by']}",
            "when": row["created_at"][:19],
        }
        for row in photo["assertions"]
    ]
    print_tables(console, {"Labels": labels, "Sightings": sightings, "Assertions": said})
    if not photo["searchable"]:
        console.print("It cannot be searched yet: `marque embed` continues with what waits.")


def space_rows(spaces: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The spaces of a catalog as rows of a table."""
    return [
        {
            "space": each["space"],
            "model": each["version"],
            "vectors": f"{each['size']}, {each['metric']}",
            "filled": each["filled"],
            "waiting": each["waiting"],
        }
        for each in spaces
    ]


def print_status(status: Mapping[str, Any]) -> None:
    """The state of the catalog."""
    console = Console()
    console.print(shown(status["catalog"]))
    for problem in status["problems"]:
        console.print(shown(problem, style="red"))
    tables = {
        "Tables": [{"table": name, "rows": count} for name, count in status["rows"].items()],
        "Pending": [{"stage": name, "waiting": n} for name, n in status["pending"].items()],
        "Indexes": [{"index": name, "rows outside": n} for name, n in status["unindexed"].items()],
        "Last runs": [
            {"flow": name, "status": run["status"], "started": run["started_at"]}
            for name, run in status["last_runs"].items()
        ],
        "Sidecars": [
            {
                "folder": each["folder"],
                "sidecar": each["sidecar"],
                "on disk": "yes" if each["there"] else "no",
            }
            for each in status["sidecars"]
        ],
    }
    print_tables(console, tables | {"Spaces": space_rows(status["spaces"])})
    published = status["published"]
    console.print(
        f"Published: {counted(published['photos'], 'photo')}."
        if published
        else "Nothing is published yet."
    )
