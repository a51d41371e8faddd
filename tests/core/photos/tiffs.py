"""TIFFs written by hand: any depth, packing and byte order, and several pictures in one file."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[Any]
Entries = Mapping[int, int | float | Sequence[int]]


def packed(values: Values, bits: int, order: str) -> bytes:
    """Unsigned values (height, width) as a TIFF has them: rows begin with a byte."""
    if bits in {8, 16, 32}:
        return values.astype(f"{order}u{bits // 8}").tobytes()
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint64)
    ones = (values[..., None].astype(np.uint64) >> shifts & 1).astype(np.uint8)
    return np.packbits(ones.reshape(len(values), -1), axis=1).tobytes()


def tiff(
    parts: Sequence[bytes], size: tuple[int, int], bits: int, order: str = "<", **more: Any
) -> bytes:
    """A grey TIFF of these strips or tiles; `tags` are further ones, None leaves one out."""
    tags: dict[int, Any] = {256: size[0], 257: size[1], 258: bits, 259: 1, 262: 1, 277: 1}
    offsets = np.cumsum([8, *map(len, parts)])[:-1].tolist()
    tags |= {273: offsets, 278: size[1], 279: [len(part) for part in parts]}
    tags |= more.get("tags", {})
    if 322 in tags:
        tags |= {324: tags.pop(273), 325: tags.pop(279)}
    data = b"".join(parts)
    data += bytes(len(data) % 2)
    directory = entries({tag: each for tag, each in tags.items() if each is not None}, order, data)
    head = b"II*\0" if order == "<" else b"MM\0*"
    return head + struct.pack(f"{order}L", 8 + len(data)) + data + directory


def entries(tags: Entries, order: str, before: bytes) -> bytes:
    """A directory that stands behind the header and so many bytes."""
    at = 8 + len(before) + 2 + 12 * len(tags) + 4
    rows, beside = struct.pack(f"{order}H", len(tags)), b""
    for tag, value in sorted(tags.items()):
        values = list(value) if isinstance(value, Sequence) else [value]
        real = isinstance(values[0], float)
        body = struct.pack(f"{order}{len(values)}{'f' if real else 'L'}", *values)
        where = body if len(body) == 4 else struct.pack(f"{order}L", at + len(beside))
        rows += struct.pack(f"{order}HHL", tag, 11 if real else 4, len(values)) + where
        beside += body if len(body) > 4 else b""
    return rows + bytes(4) + beside
