"""Small files that ask for hours or gigabytes: each is refused by what its header says, and what
is decoded at the same time shares one budget."""

import io
import json
import struct
import subprocess
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalog.register import register
from catalog.table import Catalog
from core.photos import decode as photos
from core.photos import decoding_budget, display
from core.photos.decode import RejectedError, decode, decode_facts, decoding_bytes
from core.photos.decoding_budget import (
    MAX_SCANS,
    TOO_MANY_PARTS,
    TOO_MANY_SCANS,
    TOO_MUCH_MEMORY,
    MemoryBudget,
)
from core.photos.file_types import JPEG_2000, TRUNCATED
from core.records import Box, Photo, Sighting
from crawlers.engine.pipelines.store_photo import PERMANENT_REASONS, content_fault

SIZE = (320, 240)
SCAN, END = b"\xff\xda", b"\xff\xd9"


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def noise(mode: str, size: tuple[int, int] = SIZE) -> Image.Image:
    values = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(values).convert(mode)


def of_scans(number: int, **options: Any) -> bytes:
    """A progressive JPEG that repeats its last scan until it has so many."""
    whole = encode(noise("RGB"), "JPEG", progressive=True, **options)
    there = whole.count(SCAN)
    last, end = whole.rindex(SCAN), whole.rindex(END)
    return whole[:end] + whole[last:end] * (number - there) + whole[end:]


def behind_start(jpeg: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with a further segment."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + jpeg[2:]


def tiff(compression: int, size: tuple[int, int], data: bytes, more: Sequence[tuple[int, int]]):
    """A gray TIFF of one strip, or of one tile where `more` gives its sides (tags 322 and 323)."""
    entries = dict(
        [(256, size[0]), (257, size[1]), (258, 8), (259, compression), (262, 1), (277, 1), *more]
    )
    where, length = (324, 325) if 322 in entries else (273, 279)
    entries |= {length: len(data), where: 8 + 2 + 12 * (len(entries) + 2) + 4}
    rows = b"".join(struct.pack("<HHLL", tag, 4, 1, entries[tag]) for tag in sorted(entries))
    return struct.pack("<2sHLH", b"II", 42, 8, len(entries)) + rows + bytes(4) + data


def reason_of(content: bytes) -> str:
    with pytest.raises(RejectedError) as rejected:
        decode_facts(content)
    for side in (None, 64):
        with pytest.raises(RejectedError) as again:
            decode(content, side=side)
        assert again.value.reason == rejected.value.reason
    assert rejected.value.detail
    return rejected.value.reason


def test_a_jpeg_of_many_scans_is_refused() -> None:
    assert decode_facts(of_scans(MAX_SCANS)).format == "JPEG"
    assert reason_of(of_scans(MAX_SCANS + 1)) == TOO_MANY_SCANS
    with pytest.raises(RejectedError, match=r"it has 3,000"):
        decode_facts(of_scans(3_000))


def test_so_is_one_whose_scans_are_written_otherwise() -> None:
    """Fill bytes before the mark; a segment without any content between two scans."""
    many = of_scans(40)
    assert reason_of(many.replace(SCAN, b"\xff\xff\xff" + SCAN[1:])) == TOO_MANY_SCANS
    assert reason_of(many.replace(SCAN, b"\xff\xfe\x00\x02" + SCAN)) == TOO_MANY_SCANS
    assert reason_of(behind_start(many, 0xE1, b"Exif\0\0" + END)) == TOO_MANY_SCANS


def test_so_is_the_first_of_several_pictures_in_one_file() -> None:
    frames = encode(noise("RGB"), "MPO", save_all=True, append_images=[noise("RGB")] * 2)
    assert decode_facts(frames).format == "MPO"
    at = frames.index(SCAN)
    end = frames.index(END, at)
    assert reason_of(frames[:end] + frames[at:end] * 40 + frames[end:]) == TOO_MANY_SCANS


def test_marks_of_scans_elsewhere_are_none() -> None:
    """In a thumbnail, and in the pictures that come behind the first."""
    plain = encode(noise("RGB"), "JPEG")
    assert decode_facts(behind_start(plain, 0xE1, b"Exif\0\0" + SCAN * 100)).format == "JPEG"
    assert decode_facts(behind_start(plain, 0xFE, SCAN * 100)).format == "JPEG"
    many = encode(noise("RGB"), "MPO", save_all=True, append_images=[noise("RGB", (64, 64))] * 50)
    assert many.count(SCAN) > MAX_SCANS
    assert decode_facts(many).format == "MPO"


def in_parts(number: int) -> list[bytes]:
    """A photo of each kind with so many empty comments, before its pixels and after a frame."""
    jpeg, png, gif = (encode(noise("P").convert("RGB"), kind) for kind in ("JPEG", "PNG", "GIF"))
    text = struct.pack(">L4sL", 0, b"tEXt", zlib.crc32(b"tEXt"))
    frame = gif.index(b"\x2c")
    return [
        jpeg[:2] + b"\xff\xfe\0\2" * number + jpeg[2:],
        png[:33] + text * number + png[33:],
        gif[:frame] + b"\x21\xfe\1c\0" * number + gif[frame:],
    ]


def test_a_file_in_ever_so_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is read by itself under the interpreter's lock; 12 MB of comments took half a minute."""
    for content in in_parts(100):
        assert decode_facts(content).width == SIZE[0]
    monkeypatch.setattr(decoding_budget, "MAX_READS", 1_000)
    for content in in_parts(2_000):
        assert reason_of(content) == TOO_MANY_PARTS
    for content in in_parts(2_000)[:2]:  # a crawl takes no GIF
        assert content_fault(content)[0] == TOO_MANY_PARTS
    assert TOO_MANY_PARTS in PERMANENT_REASONS


def test_texts_behind_the_pixels_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    png = encode(noise("RGB"), "PNG")
    text = struct.pack(">L4sL", 0, b"tEXt", zlib.crc32(b"tEXt"))
    monkeypatch.setattr(decoding_budget, "MAX_READS", 1_000)
    with pytest.raises(RejectedError) as rejected:
        decode_facts(png[:-12] + text * 2_000 + png[-12:])
    assert rejected.value.reason == TOO_MANY_PARTS


def test_a_tiff_of_one_huge_tile_is_refused() -> None:
    content = tiff(8, (100, 100), b"x", [(322, 2**15 + 16), (323, 2**15)])
    assert reason_of(content) == TOO_MUCH_MEMORY
    small = tiff(1, (100, 100), bytes(128 * 128), [(322, 128), (323, 128)])
    assert decode_facts(small).format == "TIFF"


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}])
def test_jpeg_2000_is_not_read(options: dict[str, bool]) -> None:
    """195 bytes of it, with precincts of 2 x 2 pixels, took 12 GB."""
    assert reason_of(encode(noise("RGB"), "JPEG2000", **options)) == JPEG_2000


NOT_READ = {"EPS": "PostScript", "ICO": "icon", "PPM": "Netpbm"}


@pytest.mark.parametrize("kind", ["EPS", "ICO", "PPM", "TGA", "PCX", "DDS", "SGI", "PDF"])
def test_what_no_photo_comes_in_is_named(kind: str) -> None:
    assert reason_of(encode(noise("RGB"), kind)) == f"{NOT_READ.get(kind, kind)} is not read"


def test_what_takes_too_much_is_a_counted_reason(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos, "DECODING_MEMORY", MemoryBudget(4 * SIZE[0] * SIZE[1]))
    contents = [encode(noise("RGB"), "JPEG"), encode(noise("RGBA"), "PNG"), of_scans(99)]
    read = [Photo(Sighting("shop", str(n)), content) for n, content in enumerate(contents)]
    done = register(catalog, read, run_id="r")
    assert done.new == 1
    assert done.rejected == {TOO_MUCH_MEMORY: 1, TOO_MANY_SCANS: 1}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "CMYK", "I;16", "I", "F", "1"])
def test_strips_make_no_difference(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mode in {"I;16", "I", "F"}:
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        values = np.random.default_rng(2).integers(0, 60_000, (240, 320)).astype(kind)
        image = Image.fromarray(values)
    else:
        image = noise(mode)
    more = {"transparency": 3} if mode == "P" else {}
    content = encode(image, "TIFF" if mode in {"CMYK", "F", "I"} else "PNG", **more)
    whole = np.asarray(decode(content))
    monkeypatch.setattr(display, "STRIP_PIXELS", 7 * SIZE[0])
    assert np.array_equal(np.asarray(decode(content)), whole)
    assert whole.std() > 20


MEASURE = """
import ctypes, io, json, sys
from pathlib import Path
from PIL import Image
from core.photos.decode import decode, decode_facts, decoding_bytes
from core.records import Box

def status(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

first = io.BytesIO()
Image.new("RGB", (99, 99)).save(first, "JPEG")
decode_facts(first.getvalue())
HOW = ({}, {"box": Box(1, 1, 2900, 1900)}, {"side": 400})
found = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    content = path.read_bytes()
    for how in HOW if len(found) < 3 * 3 else HOW[:1]:
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = status("VmRSS")
        shown = decode(content, **how)
        found[f"{path.name} {list(how)}"] = (
            status("VmHWM") - before, decoding_bytes(content, **how)
        )
        del shown
print(json.dumps(found))
"""
LARGE = (3000, 2000)
TURNED = {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"}
KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("JPEG", "RGB", {}),
    ("JPEG", "RGB", TURNED),
    ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    ("JPEG", "CMYK", {"progressive": True}),
    ("JPEG", "L", TURNED),
    ("PNG", "RGBA", {}),
    ("PNG", "LA", {}),
    ("PNG", "I;16", {}),
    ("PNG", "RGB", TURNED),
    ("WEBP", "RGB", {"method": 0}),
    ("WEBP", "RGBA", {"method": 0, "lossless": True}),
    ("AVIF", "RGBA", {"speed": 10, "subsampling": "4:4:4"}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    ("TIFF", "F", {}),
    ("TIFF", "I;16", {"compression": "tiff_lzw"}),
    ("HEIF", "RGB", {"quality": 30}),
    ("HEIF", "RGBA", {"quality": 30, "chroma": 444}),
    ("GIF", "P", {}),
    ("BMP", "RGB", {}),
]


def test_no_photo_takes_more_memory_than_is_reckoned(tmp_path: Path) -> None:
    for number, (kind, mode, options) in enumerate(KINDS):
        content = encode(Image.new(mode, LARGE), kind, **options)
        (tmp_path / f"{number:02}-{kind}-{mode}").write_bytes(content)
    root = Path(__file__).parents[3]
    child = subprocess.run(
        [sys.executable, "-c", MEASURE, str(tmp_path)],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    found = json.loads(child.stdout)
    assert len(found) == len(KINDS) + 3 * 2
    slack = 12_000_000  # strips, the reader's own tables
    more = {name: sizes for name, sizes in found.items() if sizes[0] > sizes[1] + slack}
    assert not more
    # Any HEIF is reckoned as one of whole chroma and alpha; where it has neither, how much it takes
    # depends on how its decoder's threads fall.
    most = {name: 3 if "HEIF-RGB " in name else 2 for name in found}
    less = {name: (m, r) for name, (m, r) in found.items() if r > most[name] * m + slack}
    assert not less


SIDE_BY_SIDE = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from core.photos import decode as photos
from core.photos.decoding_budget import MemoryBudget

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

content, budget = Path(sys.argv[1]).read_bytes(), int(sys.argv[2])
photos.DECODING_MEMORY = MemoryBudget(budget)
before = peak()
with ThreadPoolExecutor(8) as pool:
    done = list(pool.map(photos.decode_facts, [content] * 8))
assert photos.DECODING_MEMORY.taken == 0 and len(done) == 8
print(peak() - before)
"""


def test_eight_threads_never_exceed_the_budget(tmp_path: Path) -> None:
    """Each photo takes 48 MB while it is decoded, and 96 with what is made of it; two fit."""
    file = tmp_path / "photo.png"
    file.write_bytes(encode(Image.new("RGBA", (4000, 3000)), "PNG"))
    budget = 2 * decoding_bytes(file.read_bytes())
    child = subprocess.run(
        [sys.executable, "-c", SIDE_BY_SIDE, str(file), str(budget)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr
    assert int(child.stdout) < budget + 40_000_000


def test_a_jpeg_of_one_band_a_scan_is_held_whole() -> None:
    """Baseline, and yet the reader keeps all of it until it has seen the last band."""
    plain = encode(noise("RGB"), "JPEG")
    at = plain.index(SCAN)
    one_band = plain[: at + 2] + b"\0\x08\1\1\0\0\x3f\0" + plain[at + 14 :]
    pixels = SIZE[0] * SIZE[1]
    assert decoding_bytes(plain) == 4 * pixels
    assert decoding_bytes(one_band) == (4 + 2 * 3) * pixels


def test_what_is_decoded_smaller_takes_less() -> None:
    content = encode(Image.new("RGB", (1600, 1200)), "JPEG")
    whole, small = decoding_bytes(content), decoding_bytes(content, side=150)
    assert small == whole / 64
    assert decoding_bytes(content, Box(0, 0, 900, 900), side=150) == 2 * whole / 16


def test_the_budget_is_given_back_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "DECODING_MEMORY", MemoryBudget(decoding_budget.MAX_DECODING_BYTES))
    whole = encode(noise("RGB"), "PNG")
    decode_facts(whole)
    with pytest.raises(RejectedError, match=TRUNCATED):
        decode_facts(whole[: len(whole) // 2])
    with suppress(ZeroDivisionError), photos.decoded(whole):
        taken = photos.DECODING_MEMORY.taken
        raise ZeroDivisionError
    assert (taken > 0, photos.DECODING_MEMORY.taken) == (True, 0)
