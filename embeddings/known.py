"""Records of models that were loaded on this machine: a run that embeds nothing reads the record of
its model and does not load the model. No torch here."""

import json
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from core.files import atomic_write
from embeddings import tiny
from embeddings.registry import TINY, ModelSpec, SpaceRecord

FOLDER = "models"
_PACKAGES = ("open_clip_torch", "torch")
_RULES = 2
"""A loaded model depends on its files, on these packages, and on how Marque prepares photos for it.
Raise this number when that preparation changes for any model."""


def load_known(home: Path, spec: ModelSpec) -> SpaceRecord | None:
    """The stored record of a model; None if the record is missing or damaged, or if the model's
    files or packages have changed since."""
    try:
        kept = json.loads((home / FOLDER / spec.file_name).read_text(encoding="utf-8"))
        same = bool(kept["files"]) and kept["files"] == _stamps(map(Path, kept["files"]))
        if not same or kept["packages"] != _packages():
            return None
        return SpaceRecord.from_json(json.dumps(kept["record"]).encode())
    except (OSError, ValueError, TypeError, KeyError):
        return None


def store_known(home: Path, record: SpaceRecord) -> None:
    """Store the record of a loaded model, with the state of its files; raises `OSError`."""
    from embeddings.weights import find_weights

    found = find_weights(record.spec)
    if found is None:
        return
    files = [found.path, *found.beside]
    if found.place == "cache":  # this file names the newest commit
        snapshots = next(each for each in found.path.parents if each.name == "snapshots")
        files.append(snapshots.with_name("refs") / "main")
    if found.place == "folder":  # a new file there may take precedence over the loaded one
        files.append(found.path.parent)
    if record.model == TINY:
        files += [each for each in sorted(tiny.CONFIG_DIR.iterdir()) if each.is_file()]
    kept = {
        "record": json.loads(record.to_json()),
        "files": _stamps(files),
        "packages": _packages(),
    }
    atomic_write(home / FOLDER / record.spec.file_name, json.dumps(kept, indent=1).encode())


def _stamps(files: Iterable[Path]) -> dict[str, list[int]]:
    """File -> what changes with its content: size, time, and which file it is."""
    stats = {str(path): path.stat() for path in files}
    return {path: [each.st_size, each.st_mtime_ns, each.st_ino] for path, each in stats.items()}


def _packages() -> dict[str, str | int]:
    return {name: version(name) for name in _PACKAGES} | {"rules": _RULES}
