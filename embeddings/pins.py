"""Pins: which bytes a model's weights were when they were first fetched; no torch here.

A pin is one small file of the home folder for each model, so that two commands that pin at once do
not spoil each other's.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from core.files import atomic_write
from embeddings.registry import ModelSpec

FOLDER = "pins"


@dataclass(frozen=True, slots=True)
class Pin:
    """What a model's weights file was at its first fetch.

    `size` is in bytes, `sha256` of the file as it lies there, `origin` where it came from and
    `commit` the hub's name of that state. `license` is what the hub's page says, if it said so.
    """

    model: str
    weights: str | None
    file: str
    size: int
    sha256: str
    origin: str
    commit: str | None
    license: str | None
    pinned_at: str


def pin_place(home: Path, spec: ModelSpec) -> Path:
    """The file that holds the pin of a model."""
    key = json.dumps([spec.name, spec.weights])
    return home / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def load_pin(home: Path, spec: ModelSpec) -> Pin | None:
    """The pin of a model, or None; one that cannot be read raises `ValueError`."""
    place = pin_place(home, spec)
    return _read(place) if place.is_file() else None


def load_pins(home: Path) -> list[Pin]:
    """All pins of a home that can be read, by name."""
    found = []
    for path in (home / FOLDER).glob("*.json"):
        try:
            found.append(_read(path))
        except (OSError, ValueError):
            continue  # `load_pin` says so when somebody asks for that model
    return sorted(found, key=lambda pin: (pin.model, pin.weights or ""))


def store_pin(home: Path, pin: Pin) -> None:
    """Keep a pin, over an older one of the same model; raises `OSError`."""
    place = pin_place(home, ModelSpec(pin.model, pin.weights))
    atomic_write(place, json.dumps(asdict(pin), indent=1, ensure_ascii=False).encode())


def _read(path: Path) -> Pin:
    # Pins that are older than 2026-11-28 say `licence`.
    text = path.read_bytes().replace(b'"licence":', b'"license":')
    try:
        return TypeAdapter(Pin).validate_json(text)
    except ValidationError as error:
        raise ValueError(
            f"the pin {path} cannot be read; delete it and run `marque models fetch`"
        ) from error
