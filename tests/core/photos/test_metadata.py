"""What stands beside the pixels never costs them: of any size, damaged in any way, or cut off."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from catalog.register import register
from catalog.table import Catalog
from core.photos.decode import RejectedError, decode, decode_facts
from core.photos.file_types import TRUNCATED
from core.photos.open_image import NO_END
from core.photos.strip_metadata import NO_PICTURE
from core.records import Photo, Sighting
from crawlers.engine.pipelines.store_photo import content_fault

SIZE = (160, 96)
END = b"\xff\xd9"


def scene() -> Image.Image:
    values = np.random.default_rng(5).integers(0, 256, (12, 20, 3), np.uint8)
    return Image.fromarray(values).resize(SIZE, Image.Resampling.BICUBIC)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


JPEG, PNG = encode(scene(), "JPEG"), encode(scene(), "PNG")


def same(content: bytes, plain: bytes) -> bool:
    return np.array_equal(np.asarray(decode(content)), np.asarray(decode(plain)))


def before_and_behind(part: bytes) -> list[bytes]:
    return [PNG[:33] + part + PNG[33:], PNG[:-12] + part + PNG[-12:]]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"sPLT", b"caBX"])
def test_a_png_with_more_than_a_mebibyte_beside_it(kind: bytes) -> None:
    text = bytes(32 + n % 90 for n in range(2_000_000))
    heads = {
        b"iTXt": b"XML:com.adobe.xmp\0\1\0\0\0",
        b"tEXt": b"a\0",
        b"eXIf": b"",
        b"sPLT": b"a\0",
    }
    packed = text if kind in {b"tEXt", b"eXIf", b"sPLT", b"caBX"} else zlib.compress(text)
    for content in before_and_behind(chunk(kind, heads.get(kind, b"a\0\0") + packed)):
        assert same(content, PNG)
        assert content_fault(content) == (None, "")


def test_a_png_with_ever_so_much_packed_into_it() -> None:
    bomb = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000)))
    assert same(PNG[:33] + 40 * bomb + PNG[33:], PNG)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_parts_of_a_png() -> None:
    dice = Random(1)
    kinds = (b"tEXt zTXt iTXt iCCP gAMA cHRM sRGB pHYs eXIf acTL fcTL fdAT cICP bKGD mdCV").split()
    for kind in kinds:
        for size in (0, 1, 7, 26, 40):
            for crc in (None, 7):
                for content in before_and_behind(chunk(kind, dice.randbytes(size), crc)):
                    assert decode(content).size == SIZE, (kind, size, crc)
    assert same(PNG[:33] + chunk(b"gAMA", b"\0\0\0\7", 9) + PNG[33:], PNG)


def test_an_orientation_in_a_large_text_is_found() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/>' + b" " * 2_000_000
    packed = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp)
    for content in before_and_behind(chunk(b"iTXt", packed)):
        assert decode(content).size == SIZE[::-1]


@pytest.mark.filterwarnings("ignore")
def test_damaged_segments_of_a_jpeg() -> None:
    dice = Random(2)
    signs = (b"", b"Exif\0\0", b"ICC_PROFILE\0", b"MPF\0", b"Adobe", b"JFIF\0", b"Photoshop 3.0\0")
    for marker in (*range(0xE0, 0xF0), 0xFE):
        for sign in signs:
            for size in (0, 1, 5, 600):
                content = JPEG[:2] + segment(marker, sign + dice.randbytes(size)) + JPEG[2:]
                assert decode(content).size == SIZE, (hex(marker), sign, size)
    many = segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) * 100
    assert same(JPEG[:2] + many + JPEG[2:], JPEG)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8" + b"\xff" * 9, PNG[:8] + chunk(b"tRNS", b"")],
)
def test_a_few_bytes_of_a_photo_are_said_to_be_that(content: bytes) -> None:
    with pytest.raises(RejectedError, match=r"bytes do not tell its size|begins with b'"):
        decode(content)


WAYS: dict[str, dict[str, Any]] = {
    "plain": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 2},
    "restarts by row": {"restart_marker_rows": 1},
    "optimized": {"optimize": True, "subsampling": 0},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_lacks_its_end_alone(way: str, mode: str) -> None:
    whole = encode(scene().convert(mode), "JPEG", **WAYS[way])
    assert same(whole[:-2], whole)
    assert same(whole[:-1], whole)
    if mode == "RGB":  # of few bands Pillow itself may not miss the end
        assert decode_facts(whole[:-2]).notices == (NO_END,)
    assert decode(whole[:-2], side=12).size == decode(whole, side=12).size
    assert content_fault(whole[:-2]) == (None, "")


@pytest.mark.parametrize("way", WAYS)
def test_a_jpeg_that_lacks_more_is_truncated(way: str) -> None:
    whole = encode(scene(), "JPEG", **WAYS[way])
    marks = [at for at in range(700, len(whole) - 2) if whole[at] == 0xFF and whole[at + 1]]
    cuts = [*range(3, 60), *range(60, len(whole) - 700, 97), *(len(whole) - at for at in marks)]
    for cut in cuts:
        with pytest.raises(RejectedError, match=TRUNCATED):
            decode(whole[:-cut])


@pytest.mark.parametrize("way", WAYS)
def test_a_jpeg_that_is_filled_up_with_zeros(way: str) -> None:
    whole = encode(scene(), "JPEG", **WAYS[way])
    assert same(whole + bytes(4096), whole)
    ended = decode_facts(whole[:-2] + bytes(4096))
    assert ended.notices == (NO_END,)
    broken = whole[: len(whole) * 2 // 3] + bytes(len(whole))  # as by a download that broke off
    with pytest.raises(RejectedError) as caught:
        decode(broken)
    assert caught.value.reason == TRUNCATED
    assert content_fault(broken)[0]


@pytest.mark.parametrize("behind", [b"junkjunk", b"hello", bytes(100), b"EXIF\xff\xff\0\0"])
@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0MM\0*"}])
def test_what_stands_behind_a_webp(behind: bytes, options: dict[str, Any]) -> None:
    whole = encode(scene(), "WEBP", **options)
    assert same(whole + behind, whole)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "RGBA"])
def test_a_png_that_says_too_little_of_what_is_transparent(mode: str) -> None:
    whole = encode(scene().convert(mode), "PNG")
    at = whole.index(b"IDAT") - 4
    for size in (0, 1):
        assert same(whole[:at] + chunk(b"tRNS", bytes(size)) + whole[at:], whole)


def test_what_a_photo_lacks_is_said(catalog: Catalog) -> None:
    done = register(catalog, [Photo(Sighting("shop", "a"), JPEG[:-2])], run_id="r")
    assert (done.new, done.notices) == (1, {NO_END: 1})


def exif() -> bytes:
    found = Image.Exif()
    found[ExifTags.Base.Make] = "camera" * 200
    return found.tobytes()


CUT: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "PNG without its end": lambda: (PNG[:-12], PNG),
    "GIF without its end": lambda: (
        encode(scene().convert("P"), "GIF")[:-1], encode(scene().convert("P"), "GIF")
    ),
    "WebP cut off in its metadata": lambda: (
        encode(scene(), "WEBP", lossless=True, exif=exif(), xmp=b"<x/>" * 99)[:-600],
        encode(scene(), "WEBP", lossless=True),
    ),
    "TIFF without the offset of a next picture": lambda: (
        encode(scene().convert("L"), "TIFF", compression="tiff_lzw")[:-1],
        encode(scene().convert("L"), "TIFF"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", CUT)
def test_what_is_cut_off_behind_the_pixels(what: str) -> None:
    cut, plain = CUT[what]()
    assert same(cut, plain)


def test_a_png_without_pixels() -> None:
    start, end = PNG.index(b"IDAT") - 4, PNG.index(b"IEND") - 4
    assert content_fault(PNG[:start] + PNG[end:])[0] == NO_PICTURE


PEAK = """
import sys
from pathlib import Path
from core.photos.decode import decode

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

content = Path(sys.argv[1]).read_bytes()
before = peak()
decode(content)
print(peak() - before)
"""


def test_metadata_is_unpacked_into_little_memory(tmp_path: Path) -> None:
    """200 MB of profile, and as much of text, in two megabytes."""
    huge = zlib.compress(bytes(200_000_000), 1)
    parts = chunk(b"iCCP", b"a\0\0" + huge)
    parts += chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + huge)
    (tmp_path / "bomb.png").write_bytes(PNG[:33] + parts + PNG[33:])
    child = subprocess.run(
        [sys.executable, "-c", PEAK, str(tmp_path / "bomb.png")],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) < 60_000_000
