"""The photos that a space is trained on: prepared pictures in memory, with class and group."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from catalog.photos import load_photos
from core.errors import UsageMistakeError
from core.photos.decode import RejectedError, decode_facts
from core.photos.files import read_photo
from core.records import Box
from embeddings.registry import ModelSpec
from flows.reporting.progress import stage
from flows.run import Run
from flows.stages.tasks import shards
from labeling.pending import KNOWN, VIEW

if TYPE_CHECKING:
    from embeddings.preparation import Preparation

NOT_THE_CAR = ("interior", "detail", "not_a_car")
"""Views that do not show what make and model a car is."""

COPIES = 2.7
"""How many times the pictures are in memory while they are trained on: whole, split for the test,
split for validation, and in the size that is trained at."""

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".bmp", ".tif", ".tiff", ".gif")


@dataclass(frozen=True, slots=True, eq=False)
class TrainingPhotos:
    """n photos: pictures (n, side, side, 3), the class of each, the group within which photos are
    of one car, their keys, and what they are, for the card of the network."""

    keys: tuple[str, ...]
    pictures: npt.NDArray[np.uint8]
    classes: tuple[str, ...]
    groups: npt.NDArray[np.intp]
    data: dict[str, Any]

    def take(self, rows: npt.NDArray[np.intp]) -> "TrainingPhotos":
        """These rows only."""
        return replace(
            self,
            keys=tuple(self.keys[row] for row in rows),
            pictures=self.pictures[rows],
            classes=tuple(self.classes[row] for row in rows),
            groups=self.groups[rows],
        )

    def digest(self, model: ModelSpec, options: dict[str, Any]) -> str:
        """Names a training: the same photos, classes, groups, model and options have the same."""
        seen = [self.keys, self.classes, self.groups.tolist(), model.name, model.weights, options]
        digest = hashlib.sha256(json.dumps(seen).encode())
        digest.update(np.ascontiguousarray(self.pictures).data)
        return digest.hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class _Known:
    key: str
    label: str
    listing: str | None
    source: str
    license: str


def catalog_photos(
    run: Run, attributes: Sequence[str], preparation: "Preparation", memory_mb: int
) -> TrainingPhotos:
    """The photos whose attributes people or sources have named, but for those known to show
    something else than a car from outside; as many as fit into the memory.

    A class is a combination of values. Raises `UsageMistakeError` for an attribute that there is
    not.
    """
    known = run.catalog.vocabulary.attributes
    if strange := [each for each in attributes if each not in known]:
        raise UsageMistakeError(
            f"there is no attribute {strange[0]!r}; use one of {', '.join(known)}"
        )
    origins = [f"{each}_origin" for each in attributes]
    named = ["image_id", "page_url", "source", "license", VIEW, *attributes, *origins]
    facts = list(dict.fromkeys(named))
    rows = []
    for batch in run.catalog.read("cars", facts):
        for row in batch.to_pylist():
            if (row[VIEW] in NOT_THE_CAR and VIEW not in attributes) or any(
                row[each] not in KNOWN for each in origins
            ):
                continue
            values = [row[each] for each in attributes]
            label = " ".join(
                ",".join(map(str, each)) if isinstance(each, list) else str(each) for each in values
            )
            rows.append(
                _Known(row["image_id"], label, row["page_url"], row["source"], row["license"] or "")
            )
    rows.sort(key=lambda each: each.key)
    rows = _fitting(run, rows, preparation, memory_mb)
    ids = [each.key for each in rows]

    def read() -> Iterator[tuple[str, bytes, Box | None]]:
        for some in shards(ids, run.settings.shard_size):
            yield from load_photos(run.catalog, some)

    hashes = run.catalog.rows("images", ids, ["image_id", "phash"]).to_pylist()
    phashes = {row["image_id"]: bytes(row["phash"]) for row in hashes}
    return _prepared(run, rows, read(), phashes.__getitem__, preparation)


def folder_photos(
    run: Run, folder: Path, preparation: "Preparation", memory_mb: int
) -> TrainingPhotos:
    """The photos of a folder with one sub-folder a class, however deep they lie in it; as many as
    fit into the memory.

    Of TinyImageNet's layout, that is `train`. Raises `UsageMistakeError` for a folder without
    sub-folders.
    """
    root = folder / "train" if (folder / "train").is_dir() else folder
    classes = sorted(each for each in root.iterdir() if each.is_dir()) if root.is_dir() else []
    if not classes:
        raise UsageMistakeError(
            f"{str(root)!r} has no sub-folders; give a folder with one sub-folder a class"
        )
    rows = [
        _Known(str(file.relative_to(root)), each.name, None, root.name, "")
        for each in classes
        for file in sorted(each.rglob("*"))
        if file.suffix.lower() in _SUFFIXES and file.is_file()
    ]
    rows = _fitting(run, rows, preparation, memory_mb)
    phashes: dict[str, bytes] = {}

    def read() -> Iterator[tuple[str, bytes, Box | None]]:
        for row in rows:
            try:
                content = read_photo(root / row.key)
                phashes[row.key] = decode_facts(content).phash
            except (OSError, RejectedError):
                continue
            yield row.key, content, None

    return _prepared(run, rows, read(), phashes.__getitem__, preparation)


def _fitting(
    run: Run, rows: list[_Known], preparation: "Preparation", memory_mb: int
) -> list[_Known]:
    """As many of the photos as fit, evenly taken; the report says how many that are."""
    needed = COPIES * preparation.height * preparation.width * 3
    most = max(1, int(memory_mb * 1e6 / needed))
    if len(rows) <= most:
        return rows
    run.report.messages.append(
        f"{most:,} of {len(rows):,} photos are trained on, which take {memory_mb:,} MB; more with "
        "--memory"
    )
    step = len(rows) / most
    return [rows[int(at * step)] for at in range(most)]


def _prepared(
    run: Run,
    rows: Sequence[_Known],
    photos: Iterator[tuple[str, bytes, Box | None]],
    phash: Callable[[str], bytes],
    preparation: "Preparation",
) -> TrainingPhotos:
    from embeddings.training.splits import join_groups

    known = {row.key: row for row in rows}
    pictures = np.empty((len(rows), preparation.height, preparation.width, 3), np.uint8)
    kept: list[_Known] = []

    def prepare(photo: tuple[str, bytes, Box | None]) -> tuple[str, Any]:
        key, content, box = photo
        try:
            return key, preparation.picture(content, box)
        except RejectedError:
            return key, None

    with (
        stage(run.report, "prepare", len(rows)) as step,
        ThreadPoolExecutor(run.settings.decode_workers) as pool,
    ):
        for some in shards(photos, run.settings.shard_size):
            for key, picture in pool.map(prepare, some):
                if picture is not None:
                    pictures[len(kept)] = picture
                    kept.append(known[key])
            step.advance(len(some))
    left_out = len(rows) - len(kept)
    if left_out:
        run.report.messages.append(f"{left_out} photos could not be read and take no part")
    data = {
        "photos": len(kept),
        "sources": dict(Counter(row.source for row in kept)),
        "licenses": dict(Counter(row.license or "unknown" for row in kept)),
    }
    return TrainingPhotos(
        tuple(row.key for row in kept),
        pictures[: len(kept)],
        tuple(row.label for row in kept),
        join_groups([row.listing for row in kept], [phash(row.key) for row in kept]),
        data,
    )
