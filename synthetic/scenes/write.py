"""Writes scenes into a folder, as photos with a sidecar of their labels."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core.files import atomic_write
from synthetic.scenes.painter import SCENE_SIZE, render
from synthetic.scenes.scene import Scene, SceneLabels

LABEL_COLUMNS = ("path", "color", "body_type", "background", "view", "people", "age")


@dataclass(frozen=True, slots=True)
class WrittenScenes:
    """The folder of scenes, its sidecar, how many photos it has and how many are new."""

    folder: Path
    labels: Path
    count: int
    new: int


def write_scenes(folder: Path, count: int, seed: int) -> WrittenScenes:
    """Write the scenes of `seed`, `seed` + 1, ... as JPEG files with a sidecar `labels.csv`.

    A second call with the same arguments changes nothing. Photos of another seed are replaced;
    files with other names stay. Several values of a column are joined by ";". Raises `OSError`
    where the folder cannot be written.
    """
    if count < 1:
        raise ValueError(f"count is {count}; at least one scene must be asked for")
    folder.mkdir(parents=True, exist_ok=True)
    rows, new = [], 0
    for i in range(count):
        scene = render(seed + i, SCENE_SIZE)
        name = f"scene_{i + 1:06d}.jpg"
        new += _store(folder / name, jpeg_bytes(scene))
        rows.append(label_row(name, scene.labels))
    text = io.StringIO()
    writer = csv.DictWriter(text, LABEL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _store(folder / "labels.csv", text.getvalue().encode())
    return WrittenScenes(folder, folder / "labels.csv", count, new)


def jpeg_bytes(scene: Scene) -> bytes:
    """The scene's picture as a JPEG file of quality 90, without metadata."""
    buffer = io.BytesIO()
    scene.image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def jpeg_photo(scene: Scene) -> Image.Image:
    """The scene's picture as a JPEG file shows it, in RGB."""
    return Image.open(io.BytesIO(jpeg_bytes(scene))).convert("RGB")


def label_row(path: str, labels: SceneLabels) -> dict[str, str]:
    """A scene's labels as a row of the sidecar."""
    return {
        "path": path,
        "color": labels.color or "",
        "body_type": labels.body_type or "",
        "background": labels.background or "",
        "view": labels.view,
        "people": ";".join(labels.people) or "none",  # an empty cell would say nothing
        "age": ";".join(labels.age) or "none",
    }


def _store(path: Path, content: bytes) -> bool:
    """Write a file unless it has these bytes; returns whether it was written."""
    if path.is_file() and path.read_bytes() == content:
        return False
    atomic_write(path, content)
    return True
