"""Measuring how to run a model, and keeping what was measured."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from embeddings import measure as measuring
from embeddings import tuning as tunings
from embeddings.clip import ClipEncoder
from embeddings.measure import default_config, measure, tuning_key, with_decoding
from embeddings.tuning import (
    FOLDER,
    Machine,
    Overrides,
    RunConfig,
    Tuning,
    TuningKey,
    load_tuning,
    load_tunings,
    store_tuning,
)

KEY = TuningKey("model@1", "cpu", "cpu", Overrides())
TUNING = Tuning(
    model="model@1",
    device="cpu",
    config=RunConfig("bf16", threads=2, batch_size=16, decoders="threads", workers=2),
    rates={"fp32": 18.0, "bf16": 41.5},
    why="bf16: 41.5 photos/s, fp32: 18.0 photos/s",
    measured_at="2026-11-20T12:00:00+00:00",
)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    assert load_tunings(tmp_path) == []
    assert load_tuning(tmp_path, KEY) is None
    store_tuning(tmp_path, KEY, TUNING)
    assert load_tuning(tmp_path, KEY) == TUNING
    newer = replace(TUNING, why="bf16 only", measured_at="2026-11-21T12:00:00+00:00")
    store_tuning(tmp_path, KEY, newer)
    assert load_tuning(tmp_path, KEY) == newer
    fixed = replace(KEY, overrides=Overrides(dtype="fp32"))
    assert load_tuning(tmp_path, fixed) is None
    store_tuning(tmp_path, fixed, TUNING)
    assert load_tunings(tmp_path) == [newer, TUNING]
    assert len(list((tmp_path / FOLDER).iterdir())) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[1, 2]",
        lambda text: text.replace('"bf16"', '"bf17"'),
        lambda text: text.replace('"threads": 2', '"threads": 0'),
        lambda text: text.replace('"why"', '"because"'),
        lambda text: "\x00\xff" * 40,
    ],
)
def test_a_damaged_file_counts_as_absent(tmp_path: Path, change: Callable[[str], str]) -> None:
    store_tuning(tmp_path, KEY, TUNING)
    (place,) = (tmp_path / FOLDER).iterdir()
    text = place.read_text()
    assert change(text) != text
    place.write_text(change(text))
    assert load_tuning(tmp_path, KEY) is None
    assert load_tunings(tmp_path) == []
    store_tuning(tmp_path, KEY, TUNING)
    assert load_tunings(tmp_path) == [TUNING]


def test_another_machine_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_tuning(tmp_path, KEY, TUNING)
    here = tunings.this_machine()
    for other in (
        Machine("another", here.cores, here.torch),
        Machine(here.processor, here.cores + 1, here.torch),
        Machine(here.processor, here.cores, "0.0"),
    ):
        monkeypatch.setattr(tunings, "this_machine", lambda machine=other: machine)
        assert load_tunings(tmp_path) == []
        assert load_tuning(tmp_path, KEY) is None


def test_two_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from embeddings.tuning import *\n"
        f"for _ in range(200): store_tuning(Path(sys.argv[1]), {KEY!r}, {TUNING!r})\n"
    )
    store_tuning(tmp_path, KEY, TUNING)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(tmp_path)]
    writers = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert load_tuning(tmp_path, KEY) == TUNING
    assert [writer.returncode for writer in writers] == [0, 0]
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


def test_reading_tunings_imports_no_torch() -> None:
    code = (
        "import sys; from pathlib import Path; from embeddings.tuning import load_tunings\n"
        "load_tunings(Path('nowhere')); print('torch' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_what_is_measured_holds_together(tiny_encoder: ClipEncoder, scenes: list[bytes]) -> None:
    before = torch.get_num_threads()
    found = measure(tiny_encoder, Overrides(), seconds=2)
    assert torch.get_num_threads() == before
    assert found.model == tiny_encoder.record.version
    assert found.config.dtype in found.why
    assert all(rate >= 0 for rate in found.rates.values())
    for word in ("fp32", "bf16", "batch 32"):
        assert any(word in name for name in found.rates)
    assert found.rates[measuring._name(found.config)] > 0
    decoded = with_decoding(found, tiny_encoder, Overrides(), [(each, None) for each in scenes])
    assert any("decode" in name for name in decoded.rates)
    in_threads = replace(decoded.config, decoders="threads")
    assert replace(decoded, rates={}, config=in_threads) == replace(found, rates={})


def test_what_is_overridden_is_taken_and_not_measured(tiny_encoder: ClipEncoder) -> None:
    overrides = Overrides(dtype="fp32", threads=1, batch_size=5, workers=3)
    found = measure(tiny_encoder, overrides)
    assert found.config == RunConfig("fp32", threads=1, batch_size=5, workers=3)
    assert not any("bf16" in name for name in found.rates)
    assert default_config(overrides) == RunConfig("fp32", 1, 5, "threads", 3)
    assert tuning_key(tiny_encoder, overrides) != tuning_key(tiny_encoder, Overrides())


class _Clocked:
    """Forward passes whose time is known: bf16 takes `share` of the time of fp32."""

    def __init__(self, tuner: "measuring._Autotuner", share: float, slow_first: bool) -> None:
        self.runs: list[RunConfig] = []
        tuner.time = self.time  # type: ignore[method-assign]
        self.share = share
        self.slow_first = slow_first

    def time(self, config: RunConfig, _clock: object = None) -> float:
        first = config not in self.runs
        self.runs.append(config)
        seconds = 0.02 if config.dtype == "fp32" else 0.02 * self.share
        return seconds * (10 if first and self.slow_first else 1)


@pytest.mark.parametrize("slow_first", [False, True])
@pytest.mark.parametrize(
    ("share", "dtype"), [(0.5, "bf16"), (0.98, "fp32"), (1.5, "fp32"), (50.0, "fp32")]
)
def test_the_faster_type_is_taken(
    tiny_encoder: ClipEncoder, share: float, dtype: str, slow_first: bool
) -> None:
    tuner = measuring._Autotuner(tiny_encoder, until=1e12)
    clocked = _Clocked(tuner, share, slow_first)
    config = tuner.choose(Overrides(threads=1))
    assert (config.dtype, config.batch_size) == (dtype, 32)
    assert tuner.why.startswith("bf16: " if share < 1 else "fp32: ")
    assert len(clocked.runs) < 20
    sizes = {run.batch_size for run in clocked.runs if run.dtype == "bf16"}
    assert (len(sizes) > 1) == (share < measuring.FAR_BEHIND), "only probed where it is far behind"


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [(0.001, 32, 32), (0.03, 32, 32), (0.05, 32, 16), (0.1, 32, 8), (9.0, 32, 8), (0.01, 256, 64)],
)
def test_a_batch_takes_about_a_second_at_most(seconds: float, most: int, expected: int) -> None:
    assert measuring._batch_size(seconds, most) == expected


def test_a_type_that_the_device_lacks_is_left_out(
    tiny_encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ClipEncoder.encode_images

    def no_bf16(self: ClipEncoder, pictures: np.ndarray) -> np.ndarray:
        if self._dtype == torch.bfloat16:
            raise RuntimeError("not implemented for 'BFloat16'")
        return plain(self, pictures)

    monkeypatch.setattr(ClipEncoder, "encode_images", no_bf16)
    found = measure(tiny_encoder, Overrides(threads=1, batch_size=4))
    assert found.config.dtype == "fp32"
    assert found.why.startswith("fp32: ")


def test_processes_decode_only_where_they_are_faster(
    tiny_encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    speed = {"threads": 30.0, "processes": 100.0}

    def decode_rate(encoder: ClipEncoder, sample: object, decoders: str, workers: int) -> float:
        asked.append(decoders)
        return speed[decoders]

    monkeypatch.setattr(measuring, "_decode_rate", decode_rate)

    def chosen(tuning: Tuning = TUNING, overrides: Overrides = Overrides()) -> str:  # noqa: B008
        asked.clear()
        return with_decoding(tuning, tiny_encoder, overrides, []).config.decoders

    assert chosen() == "processes"  # the model takes 41.5 photos a second
    assert chosen(overrides=Overrides(workers=2)) == "threads"
    assert asked == ["threads"]
    speed["processes"] = 32.0
    assert chosen() == "threads"
    speed["threads"] = 50.0
    assert chosen() == "threads"
    assert asked == ["threads"]  # nothing held the model up, so no process was started
    known = replace(
        TUNING,
        config=replace(TUNING.config, decoders="processes"),
        rates={**TUNING.rates, "decode in 2 processes": 100.0},
    )
    speed["threads"] = 30.0
    assert chosen(known) == "threads"  # what was known of them was of other photos


def test_no_thread_is_left_by_measuring_decoding(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    before = threading.active_count()
    sample = [(each, None) for each in scenes] + [(b"no photo", None)]
    found = with_decoding(replace(TUNING, rates={}), tiny_encoder, Overrides(), sample)
    assert found.rates["decode in 2 threads"] > 0
    assert threading.active_count() == before
    json.dumps(found.rates)
