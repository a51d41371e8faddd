"""What the tests of the catalog are made from: photos of one color, and vectors by seed."""

import io
import json
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.records import Photo
from labeling.publish.cars import Vectors

SIZE = 16

MakePhoto = Callable[..., Photo]
Fill = Callable[..., list[str]]


def png(seed: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (72, 64), (seed % 256, seed // 256 % 256, 99)).save(out, "PNG")
    return out.getvalue()


def record(version: str) -> bytes:
    return json.dumps({"version": version}).encode()


def vectors_for(ids: Sequence[str], version: str, size: int = SIZE) -> Vectors:
    values = [unit(int(key[:8], 16), size) for key in ids]
    return Vectors("semantic", version, ids, np.array(values).reshape(len(ids), size))


def unit(seed: int, size: int = SIZE) -> npt.NDArray[np.float32]:
    found = np.random.default_rng(seed).normal(size=size)
    return np.asarray(found / np.linalg.norm(found), np.float32)
