"""Make and model by the names of files of Commons: real titles, with what each shows written down
by eye before it was read, and real records that show no car."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import SHARED
from core.records import Sighting
from core.vocabulary import load_vocabulary
from crawlers.sites.commons.pages.fields import said
from crawlers.sites.commons.pages.markup import plain_text
from crawlers.sites.commons.pages.parse import SOURCE
from labeling.names import read_names

TITLES = Path(__file__).with_name("names.csv")


@dataclass(slots=True)
class Score:
    """Counts over files: those of `cars`, and of what was said of all, the `right` and `wrong`."""

    files: int = 0
    cars: int = 0
    right_makes: int = 0
    right_models: int = 0
    wrong: int = 0

    def add(self, said: dict[str, str], make: str, model: str) -> None:
        """Count what was said of one file. A make alone that is right is not wrong."""
        self.files += 1
        self.cars += bool(make)
        self.right_makes += said.get("make") == make and bool(make)
        self.right_models += said.get("model") == model and bool(model)
        self.wrong += sum(said[name] != true for name, true in (("make", make), ("model", model))
                          if name in said)  # fmt: skip


def score(rows: Iterable[dict[str, str]]) -> Score:
    """How often names give the right car.

    `rows` have `title` or `categories`, and the true `make` and `model`.
    """
    vocabulary, counts = load_vocabulary(), Score()
    for row in rows:
        words = {name: row[name] for name in ("title", "categories") if row.get(name)}
        told = read_names(Sighting(SOURCE, "1", words), vocabulary)
        counts.add(told.words, row["make"], row["model"])
    return counts


def titles(half: str) -> list[dict[str, str]]:
    """The titles of one half, by themselves: their categories are not known."""
    with TITLES.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["half"] == half]


def records(folder: Path) -> list[dict[str, str]]:
    """The saved records of Commons, with their categories; none of them shows a car."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        for page in _pages(json.loads(path.read_text(encoding="utf-8"))):
            categories = "; ".join(said(page, "Categories").split("|"))
            title = plain_text(said(page, "ObjectName"))
            found[title, categories] = {"title": title, "categories": categories}
    return [each | {"make": "", "model": ""} for each in found.values()]


def page() -> str:
    """The page of this benchmark."""
    rows = [
        _row("titles that the reading was tuned on", score(titles("tuned"))),
        _row("titles first read when it was done", score(titles("unseen"))),
    ]
    if (folder := SHARED / "commons").is_dir():
        rows.append(_row("saved records with categories, none of a car", score(records(folder))))
    return _PAGE.format(rows="\n".join(rows))


def _pages(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict) and isinstance(data.get("imageinfo"), list):
        yield data
    elif isinstance(data, dict | list):
        for each in data.values() if isinstance(data, dict) else data:
            yield from _pages(each)


def _row(what: str, counts: Score) -> str:
    shares = (counts.right_makes, counts.right_models)
    told = " | ".join(
        f"{each} ({each / counts.cars:.0%})" if counts.cars else "" for each in shares
    )
    return f"| {what} | {counts.files} | {counts.cars} | {told} | {counts.wrong} |"


_PAGE = """# Make and model by names

`python -m benchmarks names`. Of each title what the photo shows was written down by eye, from the
title and where it is used, before anything read it (`benchmarks/names.csv`). Titles stand alone
here, without their categories, so makes that are words, places or persons too say less than they
do in a crawl. Categories are held by tests (`tests/labeling/test_names.py`).

Of the titles tuned on, 98 were once unseen too: their first reading said two wrong things, both of
"Dodge Ram symbol". The first reading of those unseen now said nothing wrong, and 61 makes and
models right; since then a number at the end of a title is read where the model is more than a
number. Of the saved records none shows a car.

| files | all | of cars | make right | model right | wrong statements |
|---|---|---|---|---|---|
{rows}
"""
