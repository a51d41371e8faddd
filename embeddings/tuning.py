"""How a model runs on one machine, and where that is kept: records, no torch.

A measurement is one small file in the home folder for each machine, device and model, so two
processes that measure at once do not overwrite each other's. `embeddings.measure` measures.
"""

import hashlib
import json
import os
import platform
import re
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import PositiveInt, TypeAdapter, ValidationError

from core.files import atomic_write

FOLDER = "tunings"

Dtype = Literal["fp32", "bf16"]
Decoders = Literal["threads", "processes"]


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How to run a model: `threads` inside a forward pass, `workers` that decode photos."""

    dtype: Dtype = "fp32"
    threads: PositiveInt = 1
    batch_size: PositiveInt = 32
    decoders: Decoders = "threads"
    workers: PositiveInt = 2

    def __str__(self) -> str:
        return (
            f"{self.dtype}, {self.threads} threads, {self.batch_size} photos a batch, decoded in "
            f"{self.workers} {self.decoders}"
        )


@dataclass(frozen=True, slots=True)
class Overrides:
    """The fields of a `RunConfig` that settings fix; None is chosen by a rule or a measurement."""

    dtype: Dtype | None = None
    threads: PositiveInt | None = None
    batch_size: PositiveInt | None = None
    workers: PositiveInt | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """How to run one model on one machine, as measured there.

    `model` is the version of the model; `rates` are photos per second of each configuration that
    was measured, by a readable name; `why` is a sentence for people.
    """

    model: str
    device: str
    config: RunConfig
    rates: dict[str, float]
    why: str
    measured_at: str


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine that a measurement is valid for: another processor or torch is measured again."""

    processor: str
    cores: int
    torch: str


@dataclass(frozen=True, slots=True)
class TuningKey:
    """The subject of a measurement: a model version, a device, and the fields that settings fix."""

    model: str
    device: str
    device_name: str
    overrides: Overrides


@dataclass(frozen=True, slots=True)
class _StoredTuning:
    machine: Machine
    key: TuningKey
    tuning: Tuning


def load_tunings(home: Path) -> list[Tuning]:
    """The measurements of this machine, newest first.

    A file that is damaged, or of an older format, counts as absent.
    """
    files = sorted((home / FOLDER).glob("*.json"))
    stored = [each for each in map(_load, files) if each and each.machine == this_machine()]
    return sorted((each.tuning for each in stored), key=lambda each: each.measured_at, reverse=True)


def load_tuning(home: Path, key: TuningKey) -> Tuning | None:
    """The measurement of this key on this machine, or None."""
    stored = _load(_place(home, key))
    return stored.tuning if stored else None


def store_tuning(home: Path, key: TuningKey, tuning: Tuning) -> None:
    """Keep a measurement, over an older one of the same key; raises `OSError`."""
    stored = asdict(_StoredTuning(this_machine(), key, tuning))
    content = json.dumps(stored, indent=1, ensure_ascii=False).encode()
    atomic_write(_place(home, key), content)


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """The machine that this process runs on."""
    facts = Path("/proc/cpuinfo")
    text = facts.read_text(errors="replace") if facts.exists() else ""
    named = re.search(r"^model name\s*:(.*)$", text, re.MULTILINE)
    processor = named[1].strip() if named else platform.processor() or platform.machine()
    return Machine(processor, usable_cores(), version("torch"))


def usable_cores() -> int:
    """The cores that this process may run on; a container's quota of their time is not seen."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _place(home: Path, key: TuningKey) -> Path:
    named = json.dumps([asdict(this_machine()), asdict(key)])
    return home / FOLDER / f"{hashlib.sha256(named.encode()).hexdigest()[:16]}.json"


def _load(path: Path) -> _StoredTuning | None:
    try:
        return TypeAdapter(_StoredTuning).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
