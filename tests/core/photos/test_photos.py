import io
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import imagehash
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageDraw, ImageOps

from catalog.register import register
from catalog.table import Catalog
from core.photos import decode as photos
from core.photos import file_types
from core.photos.decode import FIRST_FRAME, RejectedError, box_fits, decode, decode_facts
from core.records import Box, Photo, Sighting

HOSTILE = Path(__file__).parents[3].parent / "shared" / "data" / "hostile_images"
SECRET = "Leica of Mrs Example"


def scene(width: int = 160, height: int = 96) -> Image.Image:
    """Red at the upper left, blue at the lower right, on a gradient: every turn of it differs."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 3, height // 3), "red")
    draw.rectangle((width // 2, height // 2, width, height), "blue")
    return image


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = zlib.compress(b"\0" * 100)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", data), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


JPEG, PNG, WEBP = (encode(scene(), kind) for kind in ("JPEG", "PNG", "WEBP"))
SVG_FORMS = [
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b'<?xml version="1.0"?>\n<svg/>',
    b'\xef\xbb\xbf<?xml version="1.0"?><svg/>',
    b"\n  <!-- " + b"made by hand " * 900 + b"--><SVG/>",
    b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x" [<!ENTITY a "b">]>\n<svg/>',
    b'<?xml version="1.0"?><svg:svg/>',
    '<?xml version="1.0" encoding="utf-16"?><svg/>'.encode("utf-16"),
]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", file_types.EMPTY_FILE),
        (b"a line of text\n", file_types.NOT_AN_IMAGE),
        (b"<!doctype html><html><svg></svg></html>", file_types.NOT_AN_IMAGE),
        (b"<!-- a --> " * 4000 + b"<html>", file_types.NOT_AN_IMAGE),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "PostScript is not read"),
        *((form, file_types.SVG) for form in SVG_FORMS),
        *((whole[: len(whole) // 2], file_types.TRUNCATED) for whole in (JPEG, PNG, WEBP)),
        *((whole[:20], file_types.TRUNCATED) for whole in (JPEG, PNG, WEBP)),
        (encode(scene(200, 63), "PNG"), photos.TOO_SMALL),
        (encode(scene(1, 1), "GIF"), photos.TOO_SMALL),
        (huge_png(12_000, 10_000), photos.TOO_LARGE),  # between once and twice Pillow's limit
        (huge_png(30_000, 30_000), photos.TOO_LARGE),
        (huge_png(2**31 - 1, 2**31 - 1), photos.TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_no_photo_is_rejected_with_its_reason(content: bytes, reason: str) -> None:
    with pytest.raises(RejectedError) as rejected:
        decode_facts(content)
    assert rejected.value.reason == reason
    with pytest.raises(RejectedError):
        decode(content)


def test_a_photo_of_the_least_size_is_taken() -> None:
    facts = decode_facts(encode(scene(64, 64), "PNG"))
    assert (facts.width, facts.height, facts.format) == (64, 64, "PNG")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_of_an_animation_the_first_frame_is_taken_and_said(kind: str, catalog: Catalog) -> None:
    frames = [Image.new("RGB", (80, 80), color) for color in ("red", "blue")]
    content = encode(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert decode_facts(content).notices == (FIRST_FRAME,)
    red, _, blue = decode(content).getpixel((40, 40))  # type: ignore[misc]
    assert red > 200
    assert blue < 50
    done = register(catalog, [Photo(Sighting("shop", "a"), content)], run_id="r")
    assert done.notices == {FIRST_FRAME: 1}


@pytest.mark.parametrize("kind", ["MPO", "TIFF"])
def test_several_photos_in_one_file_are_no_animation(kind: str) -> None:
    content = encode(scene(), kind, save_all=True, append_images=[scene().rotate(180)])
    facts = decode_facts(content)
    assert (facts.format, facts.notices) == (kind, ())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_holds_for_size_thumbnail_and_decoding(orientation: int) -> None:
    upright = scene()
    turns = [
        None,
        None,
        Image.Transpose.FLIP_LEFT_RIGHT,
        Image.Transpose.ROTATE_180,
        Image.Transpose.FLIP_TOP_BOTTOM,
        Image.Transpose.TRANSPOSE,
        Image.Transpose.ROTATE_90,
        Image.Transpose.TRANSVERSE,
        Image.Transpose.ROTATE_270,
    ]  # fmt: skip - the inverse of what each orientation asks for
    turn = turns[orientation]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = upright if turn is None else upright.transpose(turn)
    content = encode(stored, "PNG", exif=exif)
    facts = decode_facts(content)
    assert (facts.width, facts.height) == upright.size
    assert np.array_equal(np.asarray(decode(content)), np.asarray(upright))
    thumbnail = np.asarray(Image.open(io.BytesIO(facts.thumbnail)), int)
    assert thumbnail.shape == (96, 160, 3)
    assert np.abs(thumbnail - np.asarray(upright, int)).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_perceptual_hash_is_that_of_the_turned_photo(orientation: int) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    content = encode(scene(900, 600), "PNG", exif=exif)
    shown = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    found = decode_facts(content).phash
    assert found == decode_facts(encode(shown, "PNG", exif=b"")).phash
    as_stored = decode_facts(encode(scene(900, 600), "PNG")).phash
    assert (distance(found, as_stored) > 15) == (orientation > 1)


def with_camera_and_place() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = SECRET
    exif[ExifTags.Base.Model] = SECRET
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "N", 2: (48.0, 51.0, 29.6), 29: SECRET})
    return encode(scene(), "JPEG", exif=exif, comment=SECRET.encode())


def test_place_and_camera_enter_no_column(catalog: Catalog) -> None:
    content = with_camera_and_place()
    assert content.count(SECRET.encode()) == 4
    register(catalog, [Photo(Sighting("shop", "a"), content)], run_id="r")
    kept = {
        (name, column): str(value) + (value.decode("latin1") if isinstance(value, bytes) else "")
        for name in catalog.specs
        for row in catalog.table(name).to_arrow().to_pylist()
        for column, value in row.items()
    }
    assert [at for at, text in kept.items() if SECRET in text] == [("images", "content")]
    thumbnail = Image.open(io.BytesIO(decode_facts(content).thumbnail))
    assert thumbnail.size == (96, 160)
    assert not thumbnail.getexif()
    assert set(thumbnail.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_photo() -> None:
    content = with_camera_and_place()
    at = content.index(b"Exif\0\0") + 10
    broken = content[:at] + b"\xff" * 40 + content[at + 40 :]
    assert decode_facts(broken).width in (96, 160)


def test_every_kind_of_pixel_is_shown_as_it_looks() -> None:
    grey = Image.linear_gradient("L")
    deep = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    for image, kind in [
        (grey, "PNG"), (deep, "PNG"), (grey.convert("LA"), "PNG"), (grey.convert("CMYK"), "JPEG"),
        (grey.convert("F"), "TIFF"), (grey.convert("I"), "TIFF"), (grey.convert("P"), "GIF"),
    ]:  # fmt: skip
        shown = decode(encode(image, kind))
        assert shown.mode == "RGB"
        off = np.abs(np.asarray(shown, int) - np.asarray(grey.convert("RGB"), int))
        assert off.mean() < 3, (image.mode, kind)


def test_each_16_bit_value_becomes_its_share_of_8_bits() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    shown = np.asarray(decode(encode(Image.fromarray(values), "PNG")))
    assert np.array_equal(shown[..., 0], values // 257)


def test_what_is_no_number_in_a_deep_photo_is_black() -> None:
    values = np.full((64, 64), 2.0, np.float32)
    values[0, :5] = [np.nan, np.inf, -np.inf, -7, 4]
    shown = np.asarray(decode(encode(Image.fromarray(values), "TIFF")))[0, :6, 0].tolist()
    assert shown[:4] == [0, 0, 0, 0]
    assert shown[4:] == [255, 127]


@pytest.mark.parametrize("kind", [np.uint16, np.float32, np.int32])
def test_a_deep_photo_takes_few_copies(kind: type) -> None:
    content = encode(Image.fromarray(np.ones((1000, 1000), kind)), "TIFF")
    tracemalloc.start()
    try:
        decode(content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 14 * 1000 * 1000  # 14 bytes a pixel: one copy of 4, and what Pillow hands over


def test_a_dark_16_bit_photo_stays_dark() -> None:
    night = Image.fromarray(np.full((64, 64), 200, np.uint16))
    assert decode(encode(night, "PNG")).getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA"])
def test_what_is_transparent_is_shown_on_white(mode: str) -> None:
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 32, 64))
    if mode == "P":
        palette = Image.new("P", (64, 64), 1)
        palette.putpalette([0, 0, 0, 9, 9, 9])
        palette.paste(0, (0, 0, 32, 64))
        content = encode(palette, "PNG", transparency=1)
    else:
        content = encode(image.convert(mode), "PNG")
    shown = decode(content)
    assert shown.getpixel((50, 10)) == (255, 255, 255)
    assert shown.getpixel((10, 10)) == (0, 0, 0)


def test_the_perceptual_hash_is_imagehashs_and_survives_another_encoding() -> None:
    photo = scene(900, 600)
    facts, copy = (
        decode_facts(encode(photo, "PNG")),
        decode_facts(encode(photo, "JPEG", quality=40)),
    )
    small = photo.copy()
    small.thumbnail((256, 256), reducing_gap=3.0)
    assert facts.phash.hex() == str(imagehash.phash(small))
    assert max(Image.open(io.BytesIO(facts.thumbnail)).size) == 256
    assert distance(facts.phash, copy.phash) <= 4
    assert distance(facts.phash, decode_facts(encode(photo.rotate(180), "PNG")).phash) > 15


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def test_a_box_cuts_the_photo_as_shown() -> None:
    cut = decode(PNG, Box(0, 0, 40, 20))
    assert cut.size == (40, 20)
    assert cut.getpixel((5, 5)) == (255, 0, 0)
    assert box_fits(Box(0, 0, 160, 96), 160, 96)
    for box in [Box(0, 0, 161, 96), Box(-1, 0, 9, 9), Box(5, 5, 5, 9), Box(9, 9, 5, 20)]:
        assert not box_fits(box, 160, 96)


WHOLE = [
    JPEG,
    PNG,
    WEBP,
    *(encode(scene(), kind) for kind in ("GIF", "TIFF", "BMP", "AVIF", "HEIF")),
]
WHOLE += [JPEG[:-2], encode(Image.fromarray(np.eye(96, dtype=np.uint16) * 999), "TIFF")]
WHOLE += [with_camera_and_place(), encode(scene().convert("P"), "PNG", transparency=3)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.filterwarnings("ignore")
def test_no_bytes_raise_anything_but_a_rejection(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))
    end = data.draw(st.binary(max_size=20))
    try:
        facts = decode_facts(bytes(content[:cut]) + end)
    except RejectedError:
        return
    assert min(facts.width, facts.height) >= photos.MIN_SIDE


@pytest.mark.skipif(not HOSTILE.is_dir(), reason="the shared photos are not on this machine")
def test_photos_seen_in_the_wild() -> None:
    verdicts = {}
    for path in sorted(HOSTILE.glob("*.jpg")):
        try:
            verdicts[path.name] = decode_facts(path.read_bytes()).format
        except RejectedError as rejected:
            verdicts[path.name] = rejected.reason
    assert verdicts.pop("ukbench09268_corrupt.jpg") == file_types.NOT_AN_IMAGE  # no header is left
    assert set(verdicts.values()) == {"JPEG"}
