"""What is no photo is told by its name, with what to do; HEIC, which phones store, is one."""

import io
import struct
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image

from core.photos import file_types
from core.photos.decode import TOO_LARGE, RejectedError, decode, decode_facts
from core.photos.decoding_budget import TOO_MUCH_MEMORY
from core.photos.strip_metadata import NO_PICTURE
from core.photos.tiff import CAMERA_RAW

pillow_heif.register_heif_opener()


def scene() -> Image.Image:
    image = Image.linear_gradient("L").resize((160, 96)).convert("RGB")
    image.paste("red", (0, 0, 50, 30))
    return image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rejection(content: bytes) -> RejectedError:
    with pytest.raises(RejectedError) as rejected:
        decode_facts(content)
    return rejected.value


def box(brand: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + brand + bytes(4) + b"".join(others)
    return struct.pack(">I", len(body) + 4) + body + bytes(range(200))


NOISE = bytes(range(256))
NAMED = {
    "JPEG XL is not read": [b"\xff\x0a" + NOISE, b"\0\0\0\x0cJXL \r\n\x87\n" + NOISE],
    "JPEG 2000 is not read": [b"\0\0\0\x0cjP  \r\n\x87\n" + NOISE, b"\xff\x4f\xff\x51" + NOISE],
    "JPEG XR is not read": [b"II\xbc\x01" + NOISE],
    "Photoshop file is not read": [b"8BPS\0\1" + NOISE],
    "OpenEXR is not read": [b"\x76\x2f\x31\x01" + NOISE],
    "QOI is not read": [b"qoif" + NOISE],
    "DICOM is not read": [bytes(128) + b"DICM" + NOISE],
    "PDF is not read": [b"%PDF-1.7\n" + NOISE],
    CAMERA_RAW: [
        *(box(b"crx ", b"crx isom"), b"FUJIFILMCCD-RAW 0201" + NOISE, b"IIRO\x08" + NOISE),
        *(b"IIU\0\x18" + NOISE, b"FOVb" + NOISE, b"\0MRM" + NOISE),
    ],
    "HEIF of a codec that is not read": [box(b"avci", b"mif1")],
    "HEIF sequence is not read": [box(b"hevc", b"msf1")],
    file_types.VIDEO: [box(b"isom", b"mp42"), box(b"qt  "), b"\x1a\x45\xdf\xa3" + NOISE],
    file_types.TRUNCATED: [box(b"heic", b"mif1"), box(b"avif"), b"\x89PNG\r\n\x1a\n" + NOISE],
    file_types.NOT_AN_IMAGE: [NOISE, b"PK\3\4" + NOISE, b"\0\0\2\0" + bytes(300)],
}


@pytest.mark.parametrize("reason", NAMED)
def test_what_is_not_read_is_named(reason: str) -> None:
    for content in NAMED[reason]:
        rejected = rejection(content)
        assert rejected.reason == reason
        assert rejected.detail
        if reason.endswith("is not read"):
            assert "convert it" in rejected.detail


def test_a_file_without_a_picture() -> None:
    gif, png, jpeg = (encode(scene().convert("P"), kind) for kind in ("GIF", "PNG", "GIF"))
    jpeg = encode(scene(), "JPEG")
    head = 13 + (3 << (gif[10] & 7) + 1)
    comment = b"\x21\xfe\x05hello\0"
    start, end = png.index(b"IDAT") - 4, png.index(b"IEND") - 4
    for content in (
        gif[:head] + b";",
        gif[:head] + comment + b";",
        png[:start] + png[end:],
        jpeg[: jpeg.index(b"\xff\xc0")] + b"\xff\xd9",
        b"\xff\xd8\xff\xd9",
    ):
        assert rejection(content).reason == NO_PICTURE
    assert rejection(gif[:head]).reason == file_types.TRUNCATED
    assert decode_facts(gif[:head] + comment + gif[head:]).format == "GIF"


@pytest.mark.parametrize("options", [{}, {"tile_size": 64}, {"chroma": 444}, {"mode": "RGBA"}])
def test_heic_is_read(options: dict[str, Any]) -> None:
    image = scene().convert(options.get("mode", "RGB"))
    more = {name: value for name, value in options.items() if name != "mode"}
    content = encode(image, "HEIF", quality=90, **more)
    facts = decode_facts(content)
    assert (facts.format, facts.width, facts.height, facts.notices) == ("HEIF", 160, 96, ())
    assert np.abs(np.asarray(decode(content), int) - np.asarray(scene(), int)).mean() < 4


def test_heic_is_turned_once() -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    image = scene()
    image.info["exif"] = exif.tobytes()
    content = encode(image, "HEIF", quality=90)  # a turn of HEIF's own, and the one of Exif
    assert b"irot" in content
    shown = decode(content)
    assert shown.size == (96, 160)
    upright = np.asarray(scene().transpose(Image.Transpose.ROTATE_270), int)
    assert np.abs(np.asarray(shown, int) - upright).mean() < 4


def test_of_a_burst_the_first_is_taken() -> None:
    content = encode(scene(), "HEIF", save_all=True, append_images=[scene().rotate(180)])
    facts = decode_facts(content)
    assert (facts.format, facts.notices) == ("HEIF", ())


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_heic_that_asks_for_too_much_is_refused_before_it_is_decoded() -> None:
    """By what its header says; one that lies is stopped by libheif."""
    content = encode(scene(), "HEIF")
    at = content.index(b"ispe") + 8
    huge = content[:at] + struct.pack(">II", 30_000, 30_000) + content[at + 8 :]
    assert rejection(huge).reason in {TOO_LARGE, TOO_MUCH_MEMORY}
    small = content[:at] + struct.pack(">II", 64, 64) + content[at + 8 :]
    assert rejection(small).reason == file_types.TRUNCATED
    tiles = encode(scene(), "HEIF", tile_size=64)
    at = tiles.index(b"ispe") + 8
    large_tile = tiles[:at] + struct.pack(">II", 12_000, 12_000) + tiles[at + 8 :]
    assert rejection(large_tile).reason in {TOO_LARGE, TOO_MUCH_MEMORY, file_types.TRUNCATED}
