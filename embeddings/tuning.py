"""How the engine runs one model on one machine, and where that is kept: records, no torch.

What was measured lies in the home folder, one small file for each machine, device and model, so
two processes that measure at once do not spoil each other's. `embeddings.measure` measures.
"""

import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from core.files import atomic_write

FOLDER = "tunings"

Dtype = Literal["fp32", "bf16"]
MemoryFormat = Literal["contiguous", "channels_last"]
Decoders = Literal["threads", "processes"]
Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class Way:
    """One way to run a model: `threads` inside a forward pass, `workers` that decode photos."""

    dtype: Dtype = "fp32"
    memory_format: MemoryFormat = "channels_last"
    threads: Count = 1
    batch_size: Count = 32
    decoders: Decoders = "threads"
    workers: Count = 2

    def __str__(self) -> str:
        return (
            f"{self.dtype}, {self.memory_format}, {self.threads} threads, {self.batch_size} photos "
            f"a batch, decoded in {self.workers} {self.decoders}"
        )


@dataclass(frozen=True, slots=True)
class Given:
    """What a person fixed of a way; the rest, None, is chosen by measuring."""

    dtype: Dtype | None = None
    threads: Count | None = None
    batch_size: Count | None = None
    workers: Count | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the engine runs one model on one machine, as measured there.

    `model` is the version of the model; `rates` are photos a second of every way that was
    measured, by a readable name; `why` is a sentence for a person. One that was measured on a
    `busy` machine is used, but not kept.
    """

    model: str
    device: str
    dtype: Dtype
    memory_format: MemoryFormat
    threads: Count
    batch_size: Count
    decoders: Decoders
    workers: Count
    rates: dict[str, float]
    why: str
    measured_at: str
    busy: bool = False

    @property
    def way(self) -> Way:
        """The way that was chosen."""
        return Way(
            self.dtype,
            self.memory_format,
            self.threads,
            self.batch_size,
            self.decoders,
            self.workers,
        )


@dataclass(frozen=True, slots=True)
class Machine:
    """What a measurement holds for: another processor, or another torch, is measured anew."""

    processor: str
    cores: int
    torch: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What is measured: a model, by its version, on a device, with what a person fixed."""

    model: str
    device: str
    device_name: str
    given: Given


@dataclass(frozen=True, slots=True)
class _Kept:
    machine: Machine
    kind: Kind
    tuning: Tuning


def load_tunings(home: Path) -> list[Tuning]:
    """What was measured on this machine, newest first; a damaged file counts as absent."""
    files = sorted((home / FOLDER).glob("*.json"))
    kept = [each for each in map(_read, files) if each and each.machine == this_machine()]
    return sorted((each.tuning for each in kept), key=lambda each: each.measured_at, reverse=True)


def load_tuning(home: Path, kind: Kind) -> Tuning | None:
    """What was measured of this kind on this machine, or None."""
    kept = _read(_place(home, kind))
    return kept.tuning if kept else None


def store_tuning(home: Path, kind: Kind, tuning: Tuning) -> None:
    """Keep a measurement, over an older one of the same kind; raises `OSError`."""
    kept = asdict(_Kept(this_machine(), kind, tuning))
    content = json.dumps(kept, indent=1, ensure_ascii=False).encode()
    atomic_write(_place(home, kind), content)


@lru_cache(maxsize=1)
def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(_processor(), usable_cores(), version("torch"))


def usable_cores() -> int:
    """The cores that this process may run on; a container's quota of their time is not seen."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _place(home: Path, kind: Kind) -> Path:
    key = json.dumps([asdict(this_machine()), asdict(kind)])
    return home / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def _read(path: Path) -> _Kept | None:
    try:
        return TypeAdapter(_Kept).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
