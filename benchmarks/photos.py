"""Large JPEG photos to measure with: rendered scenes under noise, as many as are asked for."""

import io
from collections.abc import Sequence
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from synthetic.scenes import render

SIZE = (1280, 960)
_SCENES = 24
_SEED = 50_000
_ROOM = 256  # pixels by which the noise can be moved, so that no two photos have the same


def write_photos(folder: Path, count: int, workers: int) -> list[Path]:
    """Write `count` JPEG files of 1280x960 and 200 to 350 KB, no two with the same bytes.

    The scenes are few and drawn at that size; what differs from photo to photo is the noise of
    the camera, which is what a JPEG file of this size consists of.
    """
    folder.mkdir(parents=True, exist_ok=True)
    some = [range(start, min(start + 50, count)) for start in range(0, count, 50)]
    with get_context("spawn").Pool(workers) as pool:
        return [path for paths in pool.imap(partial(_write, folder), some) for path in paths]


def _write(folder: Path, numbers: Sequence[int]) -> list[Path]:
    draw = np.random.default_rng(_SEED)
    noise = draw.normal(0, 8, (SIZE[1] + _ROOM, SIZE[0] + _ROOM, 1)).astype(np.int16)
    paths = []
    for number in numbers:
        scene = _scene(_SEED + number % _SCENES)
        paths.append(folder / f"photo_{number:05d}.jpg")
        paths[-1].write_bytes(_jpeg(scene, noise, number // _SCENES))
    return paths


@cache
def _scene(seed: int) -> npt.NDArray[np.int16]:
    return np.asarray(render(seed, SIZE).image, np.int16)


def _jpeg(scene: npt.NDArray[np.int16], noise: npt.NDArray[np.int16], shift: int) -> bytes:
    y, x = divmod(shift, _ROOM)
    moved = scene + noise[y : y + SIZE[1], x : x + SIZE[0]]
    out = io.BytesIO()
    Image.fromarray(np.clip(moved, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=85)
    return out.getvalue()
