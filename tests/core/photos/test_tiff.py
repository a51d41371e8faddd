"""Grey TIFFs of every depth come out as they look; a small preview is never taken for the photo."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from core.photos.decode import RejectedError, decode, decode_facts, decoding_bytes
from core.photos.tiff import CAMERA_RAW
from core.photos.tiff_grey import PIXELS
from crawlers.engine.pipelines.store_photo import PERMANENT_REASONS, content_fault
from tests.core.photos.tiffs import Values, packed, tiff

SIZE = (150, 100)
GREY = np.asarray(Image.linear_gradient("L").resize(SIZE), np.uint8) // 2 + 60
"""A scene whose brightest value is not white."""


def shown(content: bytes) -> Values:
    return np.asarray(decode(content), int)[..., 0]


def off(content: bytes, wanted: Values = GREY) -> float:
    return float(np.abs(shown(content) - wanted).max())


def in_bits(bits: int) -> Values:
    return np.rint(GREY / 255 * (2**bits - 1)).astype(np.uint64)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 24, 32])
def test_every_depth_byte_order_and_interpretation(bits: int, order: str) -> None:
    values = in_bits(bits)
    near = 255 / (2**bits - 1) / 2 + 1
    for compression, pack in ((1, bytes), (8, zlib.compress)):
        for white_is_zero, told in ((1, values), (0, 2**bits - 1 - values), (None, values)):
            if bits == 32 and white_is_zero == 0:
                continue  # what is white of 32 bits is told by the values
            tags = {259: compression, 262: white_is_zero}
            content = tiff([pack(packed(told, bits, order))], SIZE, bits, order, tags=tags)
            assert off(content) <= near, (compression, white_is_zero)


def test_bits_of_a_byte_in_the_other_order() -> None:
    for bits in (8, 12, 16):
        data = packed(in_bits(bits), bits, "<")
        other = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
        assert off(tiff([other], SIZE, bits, tags={266: 2})) <= 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiles_and_predictors(order: str) -> None:
    for bits in (12, 16):
        values = np.pad(in_bits(bits), ((0, 28), (0, 42)))
        tiles = [values[y : y + 64, x : x + 64] for y in (0, 64) for x in (0, 64, 128)]
        parts = [zlib.compress(packed(tile, bits, order)) for tile in tiles]
        tags: dict[int, Any] = {322: 64, 323: 64, 259: 8}
        assert off(tiff(parts, SIZE, bits, order, tags=tags)) <= 1
    values = in_bits(16).astype(np.uint16)
    steps = np.diff(values, axis=1, prepend=np.uint16(0)).astype(f"{order}u2")
    content = tiff([zlib.compress(steps.tobytes())], SIZE, 16, order, tags={259: 8, 317: 2})
    assert off(content) <= 1
    numbers = (GREY / 255).astype(">f4").view(np.uint8).reshape(100, 150, 4)
    by_byte = numbers.transpose(0, 2, 1).reshape(100, -1)
    steps = np.diff(by_byte, axis=1, prepend=np.uint8(0))
    tags = {259: 8, 317: 3, 339: 3}
    assert off(tiff([zlib.compress(steps.tobytes())], SIZE, 32, order, tags=tags)) <= 1


REAL: dict[str, tuple[Values, str, dict[int, Any]]] = {
    "half": (GREY / 255, "f2", {339: 3}),
    "single": (GREY / 255, "f4", {339: 3}),
    "double": (GREY / 255, "f8", {339: 3}),
    "of 255": (GREY * 1.0, "f4", {339: 3}),
    "of 65,535": (GREY * 257.0, "f4", {339: 3}),
    "white is zero": (1 - GREY / 255, "f4", {339: 3, 262: 0}),
    "with its ends": (GREY / 255 * 6 - 3, "f4", {339: 3, 340: -3.0, 341: 3.0}),
    "signed": (GREY, "i4", {339: 2}),
    "signed, full": (GREY.astype(np.int64) * 8_421_504, "i4", {339: 2}),
    "signed 16": (GREY.astype(int) * 128, "i2", {339: 2}),
    "of unknown format": (GREY.astype(int) * 257, "u2", {339: 4}),
    "12 of 16 bits": (in_bits(12), "u2", {281: 4095}),
    "a statistic": (GREY.astype(int) * 257, "u2", {281: 47_802}),
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("what", REAL)
def test_numbers_of_other_kinds(what: str, order: str) -> None:
    values, kind, tags = REAL[what]
    data = values.astype(f"{order}{kind}")
    assert off(tiff([data.tobytes()], SIZE, 8 * data.itemsize, order, tags=tags)) <= 2


def test_highlights_beyond_white_do_not_darken_the_rest() -> None:
    values = (GREY / 255).astype(np.float32)
    values[0, :3] = 40.0
    assert (
        off(tiff([values.tobytes()], SIZE, 32, tags={339: 3})[:], np.clip(values, 0, 1) * 255) <= 2
    )


NOT_READ: dict[str, tuple[bytes, int, dict[int, Any]]] = {
    "negative": ((GREY.astype(np.int16) - 128).tobytes(), 16, {339: 2}),
    "complex": (bytes(8 * GREY.size), 64, {339: 6}),
    "JPEG of 12 bits": (b"\xff\xd8\xff\xd9", 12, {259: 7}),
    "64 bits": (bytes(8 * GREY.size), 64, {}),
    "three bands of 12 bits": (bytes(5 * GREY.size), 12, {262: 2, 277: 3, 258: [12, 12, 12]}),
    "with alpha": (bytes(4 * GREY.size), 16, {277: 2, 258: [16, 16], 338: 2}),
}


@pytest.mark.parametrize("what", NOT_READ)
def test_what_is_not_read_is_refused_and_never_shown_wrongly(what: str) -> None:
    data, bits, tags = NOT_READ[what]
    content = tiff([data], SIZE, bits, tags=tags)
    with pytest.raises(RejectedError) as rejected:
        decode_facts(content)
    assert rejected.value.reason == PIXELS
    assert "convert it" in rejected.value.detail
    assert content_fault(content)[0] == PIXELS
    assert {PIXELS, CAMERA_RAW} < set(PERMANENT_REASONS)


def test_a_grey_tiff_is_turned() -> None:
    content = tiff([packed(in_bits(12), 12, "<")], SIZE, 12, tags={274: 6})
    facts = decode_facts(content)
    assert (facts.width, facts.height) == SIZE[::-1]
    assert off(content, np.rot90(GREY, -1)) <= 1
    assert decoding_bytes(content) >= GREY.size * (1 + 1.5 + 4)


def two(first: dict[int, Any], second: dict[int, Any], link: int) -> bytes:
    """A small picture first, and a full one behind it: in a directory below (330), or next."""
    small = np.full((66, 90), 200, np.uint8).tobytes()
    full = tiff([GREY.tobytes()], SIZE, 8, tags=second)
    content = tiff([small], (90, 66), 8, tags=first | ({330: 0} if link else {}))
    # The second file is appended; its offsets move, and so does that of its directory.
    moved = len(content) + len(content) % 2
    pixels = moved + 8
    count = struct.unpack_from("<H", full, 8 + GREY.size)[0]
    directory = bytearray(full[8 + GREY.size :])
    for n in range(count):
        if struct.unpack_from("<H", directory, 2 + 12 * n)[0] == 273:
            struct.pack_into("<L", directory, 2 + 12 * n + 8, pixels)
    out = bytearray(content.ljust(moved, b"\0") + full[: 8 + GREY.size] + directory)
    at = struct.unpack_from("<L", out, 4)[0]
    number = struct.unpack_from("<H", out, at)[0]
    target = moved + 8 + GREY.size
    for n in range(number):
        if struct.unpack_from("<H", out, at + 2 + 12 * n)[0] == 330:
            struct.pack_into("<L", out, at + 2 + 12 * n + 8, target)
    if not link:
        struct.pack_into("<L", out, at + 2 + 12 * number, target)
    return bytes(out)


@pytest.mark.parametrize("link", [330, 0])
@pytest.mark.parametrize("mark", [{254: 1}, {255: 2}])
def test_the_full_picture_is_taken_where_the_first_is_a_small_one(
    link: int, mark: dict[int, int]
) -> None:
    content = two(mark, {254: 0}, link)
    facts = decode_facts(content)
    assert (facts.width, facts.height) == SIZE
    assert off(content) == 0
    turned = two({**mark, 274: 6}, {254: 0}, link)
    assert off(turned, np.rot90(GREY, -1)) == 0
    deep = two(mark, {254: 0, 262: 0}, link)
    assert off(deep, 255 - GREY) == 0


RAWS = {
    "a mosaic below": two({254: 1}, {254: 0, 262: 32803}, 330),
    "a linear one below": two({254: 1}, {254: 0, 262: 34892}, 330),
    "a mosaic below an unmarked preview": two({}, {254: 0, 262: 32803}, 330),
    "previews alone": two({254: 1}, {254: 1}, 330),
    "a preview alone": tiff([GREY.tobytes()], SIZE, 8, tags={254: 1}),
    "a mosaic": tiff([GREY.tobytes()], SIZE, 8, tags={262: 32803}),
    "DNG": tiff([GREY.tobytes()], SIZE, 8, tags={50706: 0x01040000}),
    "CR2": b"II*\0\x10\0\0\0CR\2\0" + bytes(300),
}


@pytest.mark.parametrize("what", RAWS)
def test_a_raw_file_is_named(what: str) -> None:
    with pytest.raises(RejectedError) as rejected:
        decode_facts(RAWS[what])
    assert rejected.value.reason == CAMERA_RAW
    assert "develop it" in rejected.value.detail


def test_a_smaller_copy_behind_the_photo_does_not_matter() -> None:
    content = two({254: 0}, {254: 1}, 330)
    assert (decode_facts(content).width, decode_facts(content).height) == (90, 66)
    pages = io.BytesIO()
    page = Image.fromarray(GREY)
    page.save(pages, "TIFF", save_all=True, append_images=[page])
    assert off(pages.getvalue()) == 0
