"""Labels of unseen rendered scenes, end to end; a part of the benchmark `labels`."""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from catalog.table import Catalog, open_catalog
from synthetic.scenes import SceneLabels, render
from synthetic.scenes.write import LABEL_COLUMNS, jpeg_bytes, label_row
from synthetic.tiny.scenes import EVALUATION_SEED

DESCRIBED, UNDESCRIBED = 500, 3000
COVERAGE = 0.9
WANTED = {"color": 0.95, "body_type": 0.90, "background": 0.95, "view": 0.98, "people": 0.75}
_SEED = EVALUATION_SEED + 100_000
_MOST_S = 1800


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute: photos that show it, the share with a label of a network and the share of
    those that is right, and the share that is right of the surest answers to `COVERAGE` of them."""

    attribute: str
    photos: int
    coverage: float
    accuracy: float
    at_coverage: float


def measure(described: int = DESCRIBED, undescribed: int = UNDESCRIBED) -> list[Row]:
    """Ingest scenes that no training saw by the command; of the first ones the sidecar says what
    they show, by the others it is measured."""
    with tempfile.TemporaryDirectory() as name:
        folder, home = Path(name) / "scenes", Path(name) / "home"
        folder.mkdir()
        shown = _write(folder, described, undescribed)
        command = [sys.executable, "-m", "marque", "ingest", "scenes", str(folder)]
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MARQUE_")}
        subprocess.run(
            [*command, "--json", "--home", str(home)],
            check=True,
            stdout=subprocess.DEVNULL,
            env=kept | {"MARQUE_SEMANTIC_MODEL": "marque-tiny"},
            timeout=_MOST_S,
        )
        catalog = open_catalog(home / "catalog", create=False)
        return [_row(catalog, each, shown) for each in (*WANTED, "age")]


def _write(folder: Path, described: int, undescribed: int) -> dict[str, SceneLabels]:
    rows, shown = [], {}
    for number in range(described + undescribed):
        scene = render(_SEED + number)
        name = f"scene_{number:06d}.jpg"
        (folder / name).write_bytes(jpeg_bytes(scene))
        if number < described:
            rows.append(label_row(name, scene.labels))
        else:
            rows.append({"path": name})
            shown[name] = scene.labels
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, LABEL_COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return shown


def _row(catalog: Catalog, attribute: str, shown: Mapping[str, SceneLabels]) -> Row:
    columns = ["image_id", "source_id", attribute, f"{attribute}_origin"]
    cars = catalog.table("cars").search().select(columns).to_list()
    truth = {
        row["image_id"]: told
        for row in cars
        if (labels := shown.get(Path(row["source_id"]).name)) is not None
        and (told := _truth(attribute, labels)) is not None
    }
    predicted = {
        row["image_id"]: _set(row[attribute])
        for row in cars
        if row["image_id"] in truth and row[f"{attribute}_origin"] == "model"
    }
    where = f"origin = 'model' AND attribute = '{attribute}'"
    table = catalog.table("assertions").search().where(where)
    said = table.select(["image_id", "values", "confidence"]).to_list()
    sure = sorted(
        ((row["confidence"], set(row["values"]) == truth[row["image_id"]]) for row in said
         if row["image_id"] in truth), key=lambda pair: -pair[0],
    )  # fmt: skip
    surest = [right for _, right in sure[: round(COVERAGE * len(truth))]]
    return Row(
        attribute,
        len(truth),
        len(predicted) / len(truth),
        float(np.mean([value == truth[key] for key, value in predicted.items()])),
        float(np.mean(surest)),
    )


def _truth(attribute: str, labels: SceneLabels) -> set[str] | None:
    """The true values; None if the picture shows none, as for the body type of an interior."""
    if attribute in {"people", "age"}:
        return set(getattr(labels, attribute)) if labels.view == "exterior" else None
    value = getattr(labels, attribute)
    return None if value is None else {value}


def _set(value: str | list[str]) -> set[str]:
    return set(value) if isinstance(value, list) else {value}


def section(rows: Sequence[Row]) -> str:
    """The section of the page, as Markdown."""
    missed = [
        f"{row.attribute} {row.at_coverage:.3f}"
        for row in rows
        if row.at_coverage < WANTED.get(row.attribute, 0)
    ]
    lines = [
        "## Rendered scenes, end to end",
        "",
        f"{DESCRIBED + UNDESCRIBED:,} scenes that no training saw go through `marque ingest "
        f"scenes` with marque-tiny; a sidecar says what {DESCRIBED} of them show, which is what "
        "zero-shot is calibrated by, and of the others nobody says anything. Labels are those that "
        "the catalog shows, at the default `label_precision` of 0.9. Beside them, the surest "
        f"answers to {COVERAGE:.0%} of the photos. Of people and ages the whole set must be right. "
        "Body type, background, people and age are asked of exteriors, color also of details that "
        "show paint.",
        "",
        f"| attribute | photos | labeled | of these right | right of the surest {COVERAGE:.0%} "
        "| wanted |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {row.attribute} | {row.photos:,} | {row.coverage:.3f} | {row.accuracy:.3f} "
            f"| {row.at_coverage:.3f} | {WANTED.get(row.attribute, '-')} |"
            for row in rows
        ),
        "",
        f"**Not reached: {', '.join(missed)}.**" if missed else "**Everything wanted is reached.**",
    ]
    return "\n".join(lines) + "\n"
