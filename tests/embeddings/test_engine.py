"""The batching engine: order, faults, crops, bounds and overlap."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from core.photos.decode import decode
from core.photos.file_types import TRUNCATED
from core.records import Box
from embeddings.clip import ClipEncoder
from embeddings.decoding import DecodingError
from embeddings.engine import BATCHES_AHEAD, Engine, Job, embed_photos
from embeddings.tuning import RunConfig


def _jobs(scenes: list[bytes]) -> list[Job]:
    return [Job(f"photo {at}", each) for at, each in enumerate(scenes)]


@pytest.mark.parametrize("batch_size", [1, 5, 12, 100])
@pytest.mark.parametrize("workers", [1, 3])
def test_every_photo_comes_once_and_in_order(
    tiny_encoder: ClipEncoder, scenes: list[bytes], batch_size: int, workers: int
) -> None:
    batches = list(
        embed_photos(tiny_encoder, _jobs(scenes), batch_size=batch_size, workers=workers)
    )
    assert [key for batch in batches for key in batch.image_ids] == [
        f"photo {at}" for at in range(len(scenes))
    ]
    assert all(len(batch.image_ids) <= batch_size for batch in batches)
    vectors = np.concatenate([batch.outputs for batch in batches])
    assert np.allclose(vectors, tiny_encoder.encode_pictures(scenes), atol=1e-5)


def test_nothing_gives_nothing(tiny_encoder: ClipEncoder) -> None:
    assert list(embed_photos(tiny_encoder, [])) == []


def test_a_broken_photo_fails_alone(tiny_encoder: ClipEncoder, scenes: list[bytes]) -> None:
    jobs = _jobs(scenes[:7])
    jobs[2] = Job("half", scenes[2][: len(scenes[2]) // 2])
    jobs[3] = Job("words", b"<html>no photo here</html>" * 20)
    jobs[4], jobs[5] = Job("empty", b""), Job("again empty", b"")
    batches = list(embed_photos(tiny_encoder, jobs, batch_size=2))
    assert [batch.image_ids for batch in batches] == [
        ["photo 0", "photo 1"],
        [],
        [],
        ["photo 6"],
    ]
    failed = [failure for batch in batches for failure in batch.failed]
    assert [key for key, _ in failed] == ["half", "words", "empty", "again empty"]
    assert failed[0][1].reason == TRUNCATED
    whole = tiny_encoder.encode_pictures([scenes[6]])
    assert np.allclose(batches[-1].outputs, whole, atol=1e-5)


def test_two_jobs_of_one_photo_are_both_embedded(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    jobs = [Job("same", scenes[0]), Job("same", scenes[0], Box(10, 10, 150, 120))]
    (batch,) = embed_photos(tiny_encoder, jobs)
    assert batch.image_ids == ["same", "same"]
    assert not np.allclose(batch.outputs[0], batch.outputs[1], atol=1e-3)


def test_the_box_is_what_is_embedded(tiny_encoder: ClipEncoder, scenes: list[bytes]) -> None:
    box = Box(30, 20, 190, 170)
    (batch,) = embed_photos(tiny_encoder, [Job("cut", scenes[1], box)])
    with Image.open(io.BytesIO(scenes[1])) as image:
        cut = image.convert("RGB").crop((30, 20, 190, 170))
    by_hand = tiny_encoder.encode_images(np.stack([tiny_encoder.preparation.fit(cut)]))
    assert np.allclose(batch.outputs, by_hand, atol=1e-6)
    assert not np.allclose(batch.outputs, tiny_encoder.encode_pictures([scenes[1]]), atol=1e-3)


def test_a_turned_photo_is_embedded_upright(tiny_encoder: ClipEncoder, scenes: list[bytes]) -> None:
    upright = decode(scenes[0])
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees clockwise
    turned, plain = io.BytesIO(), io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=exif)
    upright.save(plain, "PNG")
    box = Box(40, 10, 200, 150)
    jobs = [Job(f"{at}", each.getvalue(), b) for b in (None, box) for at, each in
            enumerate((turned, plain))]  # fmt: skip
    (batch,) = embed_photos(tiny_encoder, jobs)
    assert np.allclose(batch.outputs[0], batch.outputs[1], atol=1e-6)
    assert np.allclose(batch.outputs[2], batch.outputs[3], atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_few_photos_are_held_at_a_time(
    tiny_encoder: ClipEncoder, scenes: list[bytes], batch_size: int
) -> None:
    pulled = 0

    def source() -> Iterator[Job]:
        nonlocal pulled
        for at in range(40):
            pulled += 1
            yield Job(str(at), scenes[at % len(scenes)])

    given = 0
    for batch in embed_photos(tiny_encoder, source(), batch_size=batch_size):
        assert pulled - given <= (BATCHES_AHEAD + 1) * batch_size
        given += len(batch.image_ids)
    assert given == pulled == 40


class _Meeting:
    """An encoder whose model works until a photo of the batch after next is decoded, which in turn
    waits for the model to be at work."""

    def __init__(self, photos: int, batch_size: int) -> None:
        self.photos, self.batch_size = photos, batch_size
        self.begun = self.decoded = 0
        self.changed = threading.Condition()
        self.preparation = self

    def picture(self, content: bytes, box: Box | None) -> npt.NDArray[np.uint8]:
        with self.changed:
            batch = self.decoded // self.batch_size
            assert self.changed.wait_for(lambda: self.begun > batch - BATCHES_AHEAD, 300)
            self.decoded += 1
            self.changed.notify_all()
        return np.zeros((4, 4, 3), np.uint8)

    def encode_images(self, pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        with self.changed:
            before = (self.begun + BATCHES_AHEAD) * self.batch_size
            self.begun += 1
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.decoded > min(before, self.photos - 1), 300)
        return np.full((len(pictures), 4), 0.5, np.float32)

    def are_sound(self, outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        return np.isfinite(outputs).all(axis=1)


def test_decoding_goes_on_while_the_model_works(scenes: list[bytes]) -> None:
    met = _Meeting(len(scenes), batch_size=2)
    batches = list(embed_photos(met, _jobs(scenes), batch_size=2, workers=1))  # type: ignore[arg-type]
    assert sum(len(batch.image_ids) for batch in batches) == met.decoded == len(scenes) > 6


def test_two_threads_embed_at_once(tiny_encoder: ClipEncoder, scenes: list[bytes]) -> None:
    with (
        closing(Engine(tiny_encoder, RunConfig(batch_size=3))) as engine,
        ThreadPoolExecutor(2) as pool,
    ):
        both = list(pool.map(lambda jobs: list(engine.embed(jobs)), [_jobs(scenes)] * 2))
    expected = tiny_encoder.encode_pictures(scenes)
    for batches in both:
        assert np.allclose(np.concatenate([b.outputs for b in batches]), expected, atol=1e-5)


@pytest.fixture(scope="module")
def in_processes(tiny_encoder: ClipEncoder) -> Iterator[Engine]:
    way = RunConfig(batch_size=4, decoders="processes", workers=2)
    with closing(Engine(tiny_encoder, way)) as engine:
        yield engine


def test_processes_give_the_same(
    tiny_encoder: ClipEncoder, scenes: list[bytes], in_processes: Engine
) -> None:
    jobs = _jobs(scenes)
    jobs[1] = Job("cut", scenes[1], Box(30, 20, 190, 170))
    jobs[5] = Job("half", scenes[5][: len(scenes[5]) // 2])
    jobs[6] = Job("words", b"<html>" * 30)
    threads = list(embed_photos(tiny_encoder, jobs, batch_size=4))
    processes = list(in_processes.embed(jobs))
    for one, other in zip(threads, processes, strict=True):
        assert one.image_ids == other.image_ids
        assert np.array_equal(one.outputs, other.outputs)
        assert [(key, why.reason, why.detail) for key, why in one.failed] == [
            (key, why.reason, why.detail) for key, why in other.failed
        ]


def test_a_decoding_process_that_is_killed_is_said(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    way = RunConfig(batch_size=2, decoders="processes", workers=1)
    before = set(multiprocessing.active_children())
    with closing(Engine(tiny_encoder, way)) as engine:
        batches = engine.embed(_jobs(scenes * 4))
        next(batches)
        (child,) = set(multiprocessing.active_children()) - before
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(DecodingError, match="MARQUE_WORKERS"):
            list(batches)


PARENT = """
import os, sys, time
from embeddings.decoding import DecodePool
from embeddings.preparation import Preparation
if __name__ == "__main__":
    wanted = Preparation(8, 8, (0,) * 3, (1,) * 3, "bicubic", "squash", (0,) * 3)
    pool = DecodePool(wanted, "processes", 1)
    pool.submit(open(sys.argv[1], "rb").read(), None).result()
    print(*pool._pool._processes, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_decoding_processes_end_with_a_killed_parent(tmp_path: Path, scenes: list[bytes]) -> None:
    photo, program = tmp_path / "photo.jpg", tmp_path / "parent.py"
    photo.write_bytes(scenes[0])
    program.write_text(PARENT)
    done = subprocess.run(
        [sys.executable, str(program), str(photo)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    while _is_running(pid):  # until the time limit of every test
        time.sleep(0.05)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # an ended process that nobody waited for is still there
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
