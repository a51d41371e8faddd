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
from embeddings.measure import kind_of, measure, usual_way, with_decoding
from embeddings.tuning import (
    FOLDER,
    Given,
    Kind,
    Machine,
    Tuning,
    Way,
    load_tuning,
    load_tunings,
    store_tuning,
)

KIND = Kind("model@1", "cpu", "cpu", Given())
TUNING = Tuning(
    model="model@1",
    device="cpu",
    dtype="bf16",
    memory_format="contiguous",
    threads=2,
    batch_size=16,
    decoders="threads",
    workers=2,
    rates={"fp32": 18.0, "bf16": 41.5},
    why="bf16: 41.5 photos/s, fp32: 18.0 photos/s",
    measured_at="2026-11-20T12:00:00+00:00",
)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    assert load_tunings(tmp_path) == []
    assert load_tuning(tmp_path, KIND) is None
    store_tuning(tmp_path, KIND, TUNING)
    assert load_tuning(tmp_path, KIND) == TUNING
    newer = replace(TUNING, threads=1, measured_at="2026-11-21T12:00:00+00:00")
    store_tuning(tmp_path, KIND, newer)
    assert load_tuning(tmp_path, KIND) == newer
    fixed = replace(KIND, given=Given(dtype="fp32"))
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
    store_tuning(tmp_path, KIND, TUNING)
    (place,) = (tmp_path / FOLDER).iterdir()
    text = place.read_text()
    assert change(text) != text
    place.write_text(change(text))
    assert load_tuning(tmp_path, KIND) is None
    assert load_tunings(tmp_path) == []
    store_tuning(tmp_path, KIND, TUNING)
    assert load_tunings(tmp_path) == [TUNING]


def test_another_machine_is_measured_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_tuning(tmp_path, KIND, TUNING)
    here = tunings.this_machine()
    for other in (
        Machine("another", here.cores, here.torch),
        Machine(here.processor, here.cores + 1, here.torch),
        Machine(here.processor, here.cores, "0.0"),
    ):
        monkeypatch.setattr(tunings, "this_machine", lambda machine=other: machine)
        assert load_tunings(tmp_path) == []
        assert load_tuning(tmp_path, KIND) is None


def test_two_writers_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from embeddings.tuning import *\n"
        f"for _ in range(200): store_tuning(Path(sys.argv[1]), {KIND!r}, {TUNING!r})\n"
    )
    store_tuning(tmp_path, KIND, TUNING)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", code, str(tmp_path)]
    writers = [subprocess.Popen(command, cwd=root) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert load_tuning(tmp_path, KIND) == TUNING
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
    found = measure(tiny_encoder, Given(), seconds=2)
    assert torch.get_num_threads() == before
    assert found.model == tiny_encoder.record.version
    assert found.dtype in found.why
    assert all(rate >= 0 for rate in found.rates.values())
    for word in ("fp32", "bf16", "contiguous", "channels_last", "batch 8"):
        assert any(word in name for name in found.rates)
    assert found.rates[measuring._name(found.way)] > 0
    decoded = with_decoding(found, tiny_encoder, Given(), [(each, None) for each in scenes])
    assert any("decode" in name for name in decoded.rates)
    assert replace(decoded, rates={}, decoders="threads") == replace(found, rates={})


def test_what_is_given_is_taken_and_not_measured(tiny_encoder: ClipEncoder) -> None:
    given = Given(dtype="fp32", threads=1, batch_size=5, workers=3)
    found = measure(tiny_encoder, given)
    assert found.way == replace(
        Way("fp32", threads=1, batch_size=5, workers=3), memory_format=found.memory_format
    )
    assert not any("bf16" in name for name in found.rates)
    assert usual_way(given) == Way("fp32", "channels_last", 1, 5, "threads", 3)
    assert kind_of(tiny_encoder, given) != kind_of(tiny_encoder, Given())


class _Clocked:
    """Forward passes whose time is known: bf16 twice as fast, a batch of 16 the best."""

    def __init__(self, race: "measuring._Race", slow_first: bool = False) -> None:
        self.now = 0.0
        self.runs: list[Way] = []
        race.time = self.time  # type: ignore[method-assign]
        self.slow_first = slow_first

    def time(self, way: Way) -> float:
        first = way not in self.runs
        self.runs.append(way)
        seconds = 0.02 if way.dtype == "fp32" else 0.01
        seconds *= {"channels_last": 1.0, "contiguous": 1.02}[way.memory_format]
        seconds *= 1.0 if way.batch_size == 16 else 1.2
        return seconds * (10 if first and self.slow_first else 1)


@pytest.mark.parametrize("slow_first", [False, True])
def test_the_faster_way_is_taken(tiny_encoder: ClipEncoder, slow_first: bool) -> None:
    race = measuring._Race(tiny_encoder, until=1e12)
    clocked = _Clocked(race, slow_first)
    way = race.find(Given(threads=1))
    assert (way.dtype, way.memory_format, way.batch_size) == ("bf16", "channels_last", 16)
    assert race.why.startswith("bf16: ")
    assert len(clocked.runs) < 120


def test_a_type_that_the_device_lacks_is_left_out(
    tiny_encoder: ClipEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = ClipEncoder.encode_images

    def no_bf16(self: ClipEncoder, pictures: np.ndarray) -> np.ndarray:
        if self._dtype == torch.bfloat16:
            raise RuntimeError("not implemented for 'BFloat16'")
        return plain(self, pictures)

    monkeypatch.setattr(ClipEncoder, "encode_images", no_bf16)
    found = measure(tiny_encoder, Given(threads=1, batch_size=4))
    assert found.dtype == "fp32"
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

    def chosen(tuning: Tuning = TUNING, given: Given = Given()) -> str:  # noqa: B008
        asked.clear()
        return with_decoding(tuning, tiny_encoder, given, []).decoders

    assert chosen() == "processes"  # the model takes 41.5 photos a second
    assert chosen(given=Given(workers=2)) == "threads"  # a number that is given means threads
    assert asked == ["threads"]
    speed["processes"] = 32.0
    assert chosen() == "threads"
    speed["threads"] = 50.0
    assert chosen() == "threads"
    assert asked == ["threads"]  # nothing held the model up, so no process was started
    known = replace(
        TUNING, decoders="processes", rates={**TUNING.rates, "decode in 2 processes": 100.0}
    )
    speed["threads"] = 30.0
    assert chosen(known) == "threads"  # what was known of them was of other photos


def test_no_thread_is_left_by_measuring_decoding(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    before = threading.active_count()
    sample = [(each, None) for each in scenes] + [(b"no photo", None)]
    found = with_decoding(replace(TUNING, rates={}), tiny_encoder, Given(), sample)
    assert found.rates["decode in 2 threads"] > 0
    assert threading.active_count() == before
    json.dumps(found.rates)
