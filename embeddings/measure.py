"""Measures how to run a model on this machine: type, memory layout, threads, batch, decoding.

One thing is varied at a time, from a usual beginning, and what was best is kept for the next. The
candidates take turns and the best time of each counts; one that is clearly behind drops out. On a
processor, type and layout are compared by the time that one thread computes, which other programs
hardly change: beside a busy one, two threads can take forty times as long as one. A forward pass
does the same work whatever it looks at, so random pictures do.
"""

import math
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol, Self, get_args

import numpy as np
import torch

from core.photos.decode import RejectedError
from core.records import Box
from embeddings.decoding import DecodePool, DecodingError, picture_of
from embeddings.engine import PhotoEncoder
from embeddings.tuning import Decoders, Dtype, Given, Kind, MemoryFormat, Tuning, Way

SECONDS = 40.0
ROUNDS = 4
BEHIND = 1.3  # times the best: out after two rounds
FAR_BEHIND = 4.0  # out after the short probe, as bf16 is where a processor only emulates it
SLACK = 1.03  # a later candidate is taken if it is better by this
PROBE = 2  # photos
TRIAL = 32  # photos in a forward pass while all but the batch is measured, or fewer, as below
TRIAL_SECONDS = 0.4
BATCH_SECONDS = 1.2  # a batch that takes longer gains nothing, and holds memory and progress up
BUSY = 40.0  # times a second of computing that the system took a core away; else it is nearly never
BATCHES = (8, 16, 32, 64, 128, 256)
LARGEST_ON_CPU = 128
GRACE = 1.1  # processes are taken if better by this: they cost memory and start slowly

Sample = Sequence[tuple[bytes, Box | None]]
"""Photos like those to come, bytes and box; a few dozen."""


class TunedEncoder(PhotoEncoder, Protocol):
    """A model that can be run in several ways, whatever it makes of pictures."""

    device: str

    @property
    def version(self) -> str:
        """Names the model, its weights and its preprocessing."""
        ...

    def in_dtype(self, dtype: Dtype) -> Self:
        """This model, or a copy that computes in another type."""
        ...

    def lay_out(self, memory_format: MemoryFormat) -> None:
        """Lay pictures and filters out in memory so or so."""
        ...


def kind_of(encoder: TunedEncoder, given: Given) -> Kind:
    """What a measurement of this encoder is kept under."""
    on_cuda = encoder.device.startswith("cuda")
    name = torch.cuda.get_device_name(encoder.device) if on_cuda else encoder.device
    return Kind(encoder.version, encoder.device, name, given)


def usual_way(given: Given) -> Way:
    """A way that is sensible anywhere, for what is not worth measuring."""
    threads = torch.get_num_threads()
    return Way(
        dtype=given.dtype or "fp32",
        threads=given.threads or threads,
        batch_size=given.batch_size or 32,
        workers=given.workers or max(2, threads),
    )


def measure(encoder: TunedEncoder, given: Given, seconds: float = SECONDS) -> Tuning:
    """Find the fastest way to run a model, in about `seconds` at most; decoding is left as usual.

    What is given is taken and not measured. The encoder computes in the given type, or in fp32.
    """
    race = _Race(encoder, time.monotonic() + seconds)
    before = torch.get_num_threads()
    try:
        way = race.find(given)
    finally:
        torch.set_num_threads(before)
    return Tuning(
        model=encoder.version,
        device=encoder.device,
        dtype=way.dtype,
        memory_format=way.memory_format,
        threads=way.threads,
        batch_size=way.batch_size,
        decoders=way.decoders,
        workers=way.workers,
        rates=race.rates,
        why=race.why,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        busy=race.busy,
    )


def with_decoding(tuning: Tuning, encoder: TunedEncoder, given: Given, sample: Sample) -> Tuning:
    """The tuning with decoding chosen for photos like these; they differ from run to run.

    Processes are tried only where threads decode more slowly than the model runs.
    """
    workers = tuning.workers
    in_threads, in_processes = f"decode in {workers} threads", f"decode in {workers} processes"
    model = tuning.rates.get(_name(tuning.way), max(tuning.rates.values(), default=0.0))
    rates = tuning.rates | {in_threads: _decode_rate(encoder, sample, "threads", workers)}
    held_up = given.workers is None and workers > 1 and rates[in_threads] < model
    if held_up:
        with suppress(DecodingError, OSError):  # where they cannot be started, threads do
            rates[in_processes] = _decode_rate(encoder, sample, "processes", workers)
    better = rates.get(in_processes, 0.0) > GRACE * rates[in_threads]
    decoders: Decoders = "processes" if held_up and better else "threads"
    return replace(tuning, decoders=decoders, rates=rates)


def _decode_rate(encoder: TunedEncoder, sample: Sample, decoders: Decoders, workers: int) -> float:
    best = math.inf
    with closing(DecodePool(encoder.preparation, decoders, workers)) as pool:
        for _ in range(3):  # in the first, processes start
            began = time.perf_counter()
            for future in [pool.submit(*photo) for photo in sample]:
                with suppress(RejectedError):
                    picture_of(future)
            best = min(best, time.perf_counter() - began)
    return round(len(sample) / best, 1)


class _Race:
    """One measurement: what was tried, and how fast it was."""

    def __init__(self, encoder: TunedEncoder, until: float) -> None:
        self.rates: dict[str, float] = {}
        self.why = "nothing was left to choose"
        self.busy = False
        self._encoder = encoder
        self._encoders: dict[Dtype, TunedEncoder] = {}
        self._until = until
        self._on_cpu = encoder.device == "cpu"
        self._clock: Callable[[], float] = time.perf_counter
        self._random = np.random.default_rng(0)

    def find(self, given: Given) -> Way:
        """The best way that keeps to what is given."""
        usual = usual_way(given)
        way = usual
        if self._on_cpu:
            way = replace(way, threads=1)
            self._clock = time.thread_time
        way = self.with_trial(way, given)
        if given.dtype is None:
            ways = [replace(way, dtype=each) for each in get_args(Dtype)]
            way = self.best(ways)
            ranked = sorted(ways, key=lambda each: -self.rates[_name(each)])
            self.why = ", ".join(f"{each.dtype}: {self.words(each)}" for each in ranked)
        way = self.best([replace(way, memory_format=each) for each in _formats(way)])
        self._clock = time.perf_counter
        way = self.with_trial(replace(way, threads=usual.threads), given)
        if given.threads is None and self._on_cpu:
            taken, computed = _usage()
            way = self.best([replace(way, threads=each) for each in _fewer(way.threads)])
            taken_now, computed_now = _usage()
            self.busy = taken_now - taken > BUSY * (computed_now - computed)
        if given.batch_size is not None:
            return replace(way, batch_size=given.batch_size)
        return self.best([replace(way, batch_size=each) for each in self._batches(way)])

    def with_trial(self, way: Way, given: Given) -> Way:
        """The way with a batch that takes about `TRIAL_SECONDS`."""
        probe = replace(way, batch_size=PROBE)
        fitting = int(TRIAL_SECONDS / min(self.time(probe), self.time(probe), TRIAL_SECONDS))
        return replace(way, batch_size=max(PROBE, min(given.batch_size or TRIAL, TRIAL, fitting)))

    def words(self, way: Way) -> str:
        """How fast it was, for a person."""
        rate = self.rates[_name(way)]
        threads = " in one thread" if way.threads == 1 else ""
        return f"{rate:,.{0 if rate >= 100 else 1}f} photos/s{threads}"

    def best(self, ways: Sequence[Way]) -> Way:
        """The first of `ways`, or a later one that is clearly faster than those before it."""
        taken = dict.fromkeys(ways, math.inf)
        probes = {way: replace(way, batch_size=PROBE) for way in ways}
        # Twice: in the first run of a shape the kernels for it are made.
        probed = {way: min(self.time(probes[way]), self.time(probes[way])) for way in ways}
        left = _without_slow(ways, probed, FAR_BEHIND)
        for round_ in range(ROUNDS if len(ways) > 1 else 1):
            for way in left:
                if round_ and time.monotonic() > self._until:
                    break
                taken[way] = min(taken[way], self.time(way))
            if round_:
                left = _without_slow(left, taken, BEHIND)
        for way in ways:
            seconds = taken[way] if taken[way] < math.inf else probed[way]
            name = _name(way)
            self.rates[name] = max(self.rates.get(name, 0.0), round(1 / seconds, 2))
        chosen = ways[0]
        for way in ways[1:]:
            if taken[way] * SLACK < taken[chosen]:
                chosen = way
        return chosen

    def time(self, way: Way) -> float:
        """Seconds a photo of one forward pass; infinite where it cannot be run so."""
        encoder = self._prepared(way)
        wanted = encoder.preparation
        shape = (way.batch_size, wanted.height, wanted.width, 3)
        pictures = self._random.integers(0, 256, shape, np.uint8)
        began = self._clock()
        try:
            encoder.encode_images(pictures)
        except (RuntimeError, MemoryError):  # a type that the device lacks, a batch too large
            return math.inf
        return (self._clock() - began) / way.batch_size

    def _prepared(self, way: Way) -> TunedEncoder:
        if way.dtype not in self._encoders:
            self._encoders[way.dtype] = self._encoder.in_dtype(way.dtype)
        encoder = self._encoders[way.dtype]
        encoder.lay_out(way.memory_format)
        torch.set_num_threads(way.threads)
        return encoder

    def _batches(self, way: Way) -> list[int]:
        a_photo = min(self.time(way), self.time(way))
        most = LARGEST_ON_CPU if self._encoder.device == "cpu" else BATCHES[-1]
        fitting = [each for each in BATCHES if each <= most and each * a_photo <= BATCH_SECONDS]
        return fitting or [BATCHES[0]]


def _formats(way: Way) -> list[MemoryFormat]:
    return sorted(get_args(MemoryFormat), key=lambda each: each != way.memory_format)


def _fewer(threads: int) -> list[int]:
    """All threads, half of them, a quarter, one."""
    return sorted({max(1, threads // part) for part in (1, 2, 4, threads)}, reverse=True)


def _without_slow(ways: Sequence[Way], taken: dict[Way, float], times: float) -> list[Way]:
    best = min(taken[way] for way in ways)
    return [way for way in ways if taken[way] <= times * best]


def _usage() -> tuple[int, float]:
    """How often the system took a core from this process, and how many seconds it computed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nivcsw, used.ru_utime + used.ru_stime


def _name(way: Way) -> str:
    return f"{way.dtype}, {way.memory_format}, {way.threads} threads, batch {way.batch_size}"
