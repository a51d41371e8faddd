"""Writes the photos for review into a folder: tasks and configuration of Label Studio, and a table
of the same cases."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from catalog.photos import load_photos
from catalog.table import Catalog
from core.errors import UsageMistakeError
from core.photos.decode import decoded, encode_jpeg
from core.spreadsheet import csv_line
from core.text import clean, web_url
from labeling.review.cases import Case, spoken
from labeling.review.queue import ReviewItem
from labeling.review.returned_csv import HEADER
from labeling.review.tasks import config, task
from labeling.review.waiting import load_places

TASKS, CONFIG, TABLE = "tasks.json", "config.xml", "review.csv"

PREVIEW_SIDE = 640
"""The longer side of the picture in a task, in pixels."""


def export_review(catalog: Catalog, chosen: Sequence[ReviewItem], out: Path) -> list[str]:
    """Write `tasks.json`, `config.xml` and `review.csv` into the folder `out`, all or nothing.

    Returns the ids of photos that were left out because their stored bytes are damaged. Raises
    `UsageMistakeError` if the folder has files: decisions in an earlier export are never
    overwritten.
    """
    check_folder(out)
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{os.getpid()}-{out.name}.part")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        damaged = _write(catalog, chosen, aside)
        os.replace(aside, out)  # noqa: PTH105 - of a folder, onto an empty one
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return damaged


def check_folder(out: Path) -> None:
    """Make sure that an export can be written to `out`; raises `UsageMistakeError`."""
    above = next(each for each in out.absolute().parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise UsageMistakeError(
            f"{out} cannot be written: {above} is not a folder that you may write into; give "
            "another --out"
        )
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        # An empty path is the same one.
        shown = (
            f"{out} (the folder that you are in, as an empty --out is)" if out == Path() else out
        )
        raise UsageMistakeError(
            f"{shown} is there already, and not an empty folder; give another --out, so that no "
            "decision in it is lost"
        )


def preview(content: bytes) -> bytes:
    """A photo as a JPEG of at most `PREVIEW_SIDE` pixels, whole and upright."""
    with decoded(content, side=PREVIEW_SIDE) as shown:
        shown.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE), reducing_gap=3.0)
        return encode_jpeg(shown)


def _write(catalog: Catalog, chosen: Sequence[ReviewItem], folder: Path) -> list[str]:
    damaged: list[str] = []
    asked = {case.attribute for waiting in chosen for case in waiting.cases}
    attributes = [each for name, each in catalog.vocabulary.attributes.items() if name in asked]
    places = load_places(catalog, [waiting.image_id for waiting in chosen])
    (folder / CONFIG).write_text(config(attributes), encoding="utf-8")
    with (folder / TASKS).open("w", encoding="utf-8") as file:
        # One by one, so that one picture of some 50 KB is in memory at a time.
        file.write("[")
        for number, (waiting, jpeg) in enumerate(_pictures(catalog, chosen, damaged)):
            page = web_url(places[waiting.image_id]["page_url"]) or ""
            one = task(waiting, jpeg, page, attributes)
            file.write(",\n" if number else "\n")
            json.dump(one, file, ensure_ascii=False)
        file.write("\n]\n")
    with (folder / TABLE).open("w", encoding="utf-8-sig", newline="") as file:
        file.write(csv_line(HEADER, "\r\n"))
        for waiting in chosen:
            for case in () if waiting.image_id in damaged else waiting.cases:
                file.write(csv_line(_row(case, places[waiting.image_id]), "\r\n"))
    return damaged


def _pictures(
    catalog: Catalog, chosen: Sequence[ReviewItem], damaged: list[str]
) -> Iterator[tuple[ReviewItem, bytes]]:
    by_id = {waiting.image_id: waiting for waiting in chosen}
    for key, content, _ in load_photos(catalog, list(by_id), damaged):
        yield by_id[key], preview(content)


def _row(case: Case, place: dict[str, str]) -> list[str]:
    """The cells of one case, in the order of `HEADER`; those for the person are empty."""
    cells = {
        "image_id": case.image_id,
        "attribute": case.attribute,
        "label": "" if case.label is None else spoken(case.label.values),
        "origin": "" if case.label is None else case.label.origin,
        "suggestion": "" if case.suggestion is None else spoken(case.suggestion),
        "confidence": "" if case.confidence is None else f"{case.confidence:.2f}",
        "suggested_by": case.suggested_by,
        "reason": case.reason,
        "why": case.why,
        **place,
    }
    cells["page_url"] = web_url(cells["page_url"]) or ""
    return [" ".join(clean(cells.get(name, "")).split()) for name in HEADER]
