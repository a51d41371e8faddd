"""How to run a model on this machine: its number type by one short measurement, the rest by rule.

Measured on 2 cores with ViT-B-32-256 (`docs/benchmarks/embedding.md`), the number type matters:
bf16 gave 15.2 photos/s in one thread and fp32 7.5, and on another processor it is the other way
round. The memory layout changed 2 %, so it is fixed by rule; all cores gave 31 photos/s and one 17,
so torch's own number of threads is used. Of batches, a small and a large one are timed: networks of
convolutions have layers that fit a processor's cache in a small batch only.

On a processor the types are compared by the time that one thread computes, which other programs
hardly change: beside a busy one, two threads can take forty times as long as one. A forward pass
does the same work for any picture, so random pictures do.
"""

import math
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
from embeddings.tuning import Decoders, Dtype, Overrides, RunConfig, Tuning, TuningKey

MEASURE_SECONDS = 20.0
ROUNDS = 4
FAR_BEHIND = 4.0  # times the best: out after the probe, as bf16 is where a processor emulates it
SLACK = 1.03  # bf16 is less exact, a small batch waits more often: each must be faster by this
PROBE = 2  # photos
TRIAL_SECONDS = 0.4  # a timed forward pass has as many photos as fit into this
BATCH_SECONDS = 1.2  # a batch that takes longer gains nothing, and holds memory and progress up
MOST_ON_CPU, MOST_ON_GPU = 32, 256  # photos a batch
LEAST_BATCH = 8
GRACE = 1.1  # processes are taken if better by this: they cost memory and start slowly

Clock = Callable[[], float]
Sample = Sequence[tuple[bytes, Box | None]]
"""Photos like those to come, bytes and box; a few dozen."""


class TunedEncoder(PhotoEncoder, Protocol):
    """A model that computes in either number type, whatever its outputs are."""

    device: str

    @property
    def version(self) -> str:
        """Names the model, its weights and its preprocessing."""
        ...

    def in_dtype(self, dtype: Dtype) -> Self:
        """This model, or a copy that computes in another type."""
        ...


def tuning_key(encoder: TunedEncoder, overrides: Overrides) -> TuningKey:
    """The key under which a measurement of this encoder is kept."""
    on_cuda = encoder.device.startswith("cuda")
    name = torch.cuda.get_device_name(encoder.device) if on_cuda else encoder.device
    return TuningKey(encoder.version, encoder.device, name, overrides)


def default_config(overrides: Overrides) -> RunConfig:
    """The config to use if there are too few photos for a measurement to pay off."""
    threads = torch.get_num_threads()
    return RunConfig(
        dtype=overrides.dtype or "fp32",
        threads=overrides.threads or threads,
        batch_size=overrides.batch_size or 32,
        workers=overrides.workers or max(2, threads),
    )


def measure(
    encoder: TunedEncoder, overrides: Overrides, seconds: float = MEASURE_SECONDS
) -> Tuning:
    """Choose how to run a model, in about `seconds` at most; `with_decoding` chooses the decoders.

    Overrides win. The encoder computes in the overridden type, or in fp32.
    """
    tuner = _Autotuner(encoder, time.monotonic() + seconds)
    before = torch.get_num_threads()
    try:
        config = tuner.choose(overrides)
    finally:
        torch.set_num_threads(before)
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Tuning(
        encoder.version, encoder.device, config, tuner.rates, tuner.why, measured_at=measured_at
    )


def with_decoding(
    tuning: Tuning, encoder: TunedEncoder, overrides: Overrides, sample: Sample
) -> Tuning:
    """The tuning with decoders chosen for photos like these; photos differ from run to run.

    Processes are tried only where threads decode more slowly than the model runs.
    """
    workers = tuning.config.workers
    in_threads, in_processes = f"decode in {workers} threads", f"decode in {workers} processes"
    model = tuning.rates.get(_name(tuning.config), max(tuning.rates.values(), default=0.0))
    rates = tuning.rates | {in_threads: _decode_rate(encoder, sample, "threads", workers)}
    held_up = overrides.workers is None and workers > 1 and rates[in_threads] < model
    if held_up:
        with suppress(DecodingError, OSError):  # where they cannot be started, threads do
            rates[in_processes] = _decode_rate(encoder, sample, "processes", workers)
    better = rates.get(in_processes, 0.0) > GRACE * rates[in_threads]
    decoders: Decoders = "processes" if held_up and better else "threads"
    return replace(tuning, config=replace(tuning.config, decoders=decoders), rates=rates)


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


class _Autotuner:
    """One measurement: how fast each configuration was, and why one was chosen."""

    def __init__(self, encoder: TunedEncoder, until: float) -> None:
        self.rates: dict[str, float] = {}
        self.why = ""
        self._encoders: dict[Dtype, TunedEncoder] = {}
        self._encoder = encoder
        self._until = until
        self._random = np.random.default_rng(0)

    def choose(self, overrides: Overrides) -> RunConfig:
        """The configuration to use; overrides win."""
        on_cpu = self._encoder.device == "cpu"
        config = default_config(overrides)
        most = overrides.batch_size or (MOST_ON_CPU if on_cpu else MOST_ON_GPU)
        threads, clock = config.threads, time.perf_counter
        if on_cpu:
            threads, clock = 1, time.thread_time
        dtypes = (overrides.dtype,) if overrides.dtype else get_args(Dtype)
        trials = [replace(config, dtype=each, threads=threads) for each in dtypes]
        fastest, seconds = self._fastest(trials, most, clock)
        # Threads share the work about evenly.
        batch_size = overrides.batch_size or _batch_size(seconds * threads / config.threads, most)
        large = replace(config, dtype=fastest.dtype, batch_size=batch_size)
        small = replace(large, batch_size=min(batch_size, LEAST_BATCH))
        trials = [large, small] if on_cpu and not overrides.batch_size else [large]
        taken = {}
        for each in dict.fromkeys(trials):
            taken[each] = seconds if each == fastest else min(self.time(each), self.time(each))
            self.rates[_name(each)] = round(1 / taken[each], 2)
        return small if small in taken and taken[small] * SLACK < taken[large] else large

    def _fastest(
        self, trials: Sequence[RunConfig], most: int, clock: Clock
    ) -> tuple[RunConfig, float]:
        """The first, or a later one that is clearly faster, and its seconds per photo."""
        probes = [replace(each, batch_size=PROBE) for each in trials]
        # Twice: in the first run of a shape its kernels are made.
        probed = [min(self.time(each, clock), self.time(each, clock)) for each in probes]
        size = max(PROBE, int(min(most, TRIAL_SECONDS / max(min(probed), 1e-6))))
        trials = [replace(each, batch_size=size) for each in trials]
        taken = dict(zip(trials, probed, strict=True))
        timed = [each for each in trials if taken[each] <= FAR_BEHIND * min(probed)]
        for number in range(ROUNDS):
            for each in timed:
                if number == 0 or time.monotonic() < self._until:
                    seconds = self.time(each, clock)
                    taken[each] = min(taken[each], seconds) if number else seconds
        for each in trials:
            self.rates[_name(each)] = round(1 / taken[each], 2)
        ranked = sorted(trials, key=taken.__getitem__)
        said = []
        for each in ranked:
            rate = self.rates[_name(each)]
            threads = " in one thread" if each.threads == 1 else ""
            said.append(f"{each.dtype}: {rate:,.{0 if rate >= 100 else 1}f} photos/s{threads}")
        self.why = ", ".join(said)
        fastest = ranked[0] if taken[ranked[0]] * SLACK < taken[trials[0]] else trials[0]
        return fastest, taken[fastest]

    def time(self, config: RunConfig, clock: Clock = time.perf_counter) -> float:
        """Seconds per photo of one forward pass; infinite where it cannot be run."""
        if config.dtype not in self._encoders:
            self._encoders[config.dtype] = self._encoder.in_dtype(config.dtype)
        encoder = self._encoders[config.dtype]
        torch.set_num_threads(config.threads)
        wanted = encoder.preparation
        shape = (config.batch_size, wanted.height, wanted.width, 3)
        pictures = self._random.integers(0, 256, shape, np.uint8)
        began = clock()
        try:
            encoder.encode_images(pictures)
        except (RuntimeError, MemoryError):  # a type that the device lacks, a batch too large
            return math.inf
        return (clock() - began) / config.batch_size


def _batch_size(seconds: float, most: int) -> int:
    """The most photos of `seconds` each, by halves, that a batch may have."""
    size = most
    while size > LEAST_BATCH and size * seconds > BATCH_SECONDS:
        size //= 2
    return size


def _name(config: RunConfig) -> str:
    return f"{config.dtype}, {config.threads} threads, batch {config.batch_size}"
