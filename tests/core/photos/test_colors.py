"""Color profiles: every photo is looked at as sRGB, whatever its file says its numbers mean."""

import io
import struct
import zlib
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from core.photos.decode import RejectedError, decode, decode_facts
from core.photos.icc_profiles import SRGB_CURVE, Curve, rgb_profile
from embeddings.preparation import Preparation

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "real_cases" / "photos"
D50, D65, BLUE = (0.3457, 0.3585), (0.3127, 0.3290), (0.15, 0.06)
SIZE = (80, 64)

# What each names sRGB's full red, as published.
SPACES: dict[str, tuple[bytes | None, tuple[int, int, int]]] = {
    "Display P3": (
        rgb_profile((D65, (0.68, 0.32), (0.265, 0.69), BLUE), SRGB_CURVE),
        (234, 51, 35),
    ),
    "Adobe RGB": (
        rgb_profile((D65, (0.64, 0.33), (0.21, 0.71), BLUE), Curve(563 / 256)),
        (219, 0, 0),
    ),
    "ProPhoto": (
        rgb_profile((D50, (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), Curve(1.8)),
        (179, 71, 26),
    ),
}
FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 100, "subsampling": 0}),
    ("PNG", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("WEBP", {"lossless": True}),
    ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
    ("HEIF", {"quality": 100, "chroma": 444}),
]

pillow_heif.register_heif_opener()


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    return png[:33] + b"".join(chunks) + png[33:]


def pixel(content: bytes) -> tuple[int, ...]:
    found = decode(content).getpixel((20, 20))
    assert isinstance(found, tuple)
    return found


def is_near(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 12) -> bool:
    return max(abs(one - other) for one, other in zip(found, wanted, strict=True)) <= by


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("kind", "options"), FORMATS, ids=[kind for kind, _ in FORMATS])
def test_a_wide_space_is_shown_as_srgb(space: str, kind: str, options: dict[str, Any]) -> None:
    profile, red = SPACES[space]
    content = encode(Image.new("RGB", SIZE, red), kind, icc_profile=profile, **options)
    assert is_near(pixel(content), (255, 0, 0))


def test_so_are_the_thumbnail_and_what_is_embedded() -> None:
    profile, red = SPACES["ProPhoto"]
    content = encode(Image.new("RGB", SIZE, red), "PNG", icc_profile=profile)
    with Image.open(io.BytesIO(decode_facts(content).thumbnail)) as small:
        assert "icc_profile" not in small.info
        thumbnail = small.getpixel((20, 20))
    assert isinstance(thumbnail, tuple)
    assert is_near(thumbnail, (255, 0, 0))
    config = {"size": 32, "mean": (0.5,) * 3, "std": (0.5,) * 3}
    seen = Preparation.of(config).picture(content)
    assert is_near(tuple(map(int, seen[16, 16])), (255, 0, 0))


@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_other_modes_of_the_same_colors(mode: str) -> None:
    profile, red = SPACES["Display P3"]
    image = Image.new("RGB", SIZE, red)
    image = image.quantize(4) if mode == "P" else image
    if mode == "RGBA":
        image.putalpha(128)
    shown = pixel(encode(image, "PNG", icc_profile=profile))
    assert is_near(shown, (255, 127, 127) if mode == "RGBA" else (255, 0, 0))


def test_srgb_however_it_is_written_leaves_the_pixels_alone() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 80, 3), np.uint8)
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = rgb_profile((D65, (0.64, 0.33), (0.3, 0.6), BLUE), SRGB_CURVE)
    for profile in (whole, made):
        shown = decode(encode(Image.fromarray(noise), "PNG", icc_profile=profile))
        assert np.array_equal(np.asarray(shown), noise)


def test_a_profile_of_grey() -> None:
    """Gamma 1: half the light is 188 in sRGB."""
    head = struct.pack(">L4s4s", 0, b"", b"\4\x30\0\0") + b"mntrGRAYXYZ "
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    curve, white = b"curv" + bytes(8), b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    table = struct.pack(">L4sLL4sLL", 2, b"kTRC", 156, 12, b"wtpt", 168, 20)
    profile = head.ljust(128, b"\0") + table + curve + white
    profile = struct.pack(">L", len(profile)) + profile[4:]
    grey = Image.new("L", SIZE, 128)
    assert is_near(pixel(encode(grey, "PNG", icc_profile=profile)), (188,) * 3, 2)
    assert is_near(pixel(encode(grey, "TIFF", icc_profile=profile)), (188,) * 3, 2)
    color = encode(Image.new("RGB", SIZE, (128, 0, 0)), "PNG", icc_profile=profile)
    assert pixel(color) == (128, 0, 0)  # the profile of another photo


def cmyk_profile() -> bytes:
    """A printer in which cyan is as bright as paper, and the other inks print nothing."""
    nodes = bytearray()
    for node in range(16):  # the last ink varies fastest
        black = node & 1
        nodes += bytes((0 if black else 255, 128, 128))
    ramp = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + matrix + ramp * 4 + bytes(nodes) + ramp * 3
    head = struct.pack(">L4s4s", 0, b"", b"\2\x40\0\0") + b"prtrCMYKLab "
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    table = struct.pack(">L4sLL", 1, b"A2B0", 144, len(lut))
    profile = head.ljust(128, b"\0") + table + lut
    return struct.pack(">L", len(profile)) + profile[4:]


def test_a_profile_of_printers_inks() -> None:
    image = Image.new("CMYK", SIZE, (255, 0, 0, 0))
    plain = pixel(encode(image, "JPEG"))
    assert plain[0] < 30  # no red: cyan
    shown = pixel(encode(image, "JPEG", icc_profile=cmyk_profile()))
    assert min(shown) > 240


def test_lab_is_shown() -> None:
    profile, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    red = Image.new("RGB", SIZE, (200, 30, 40))
    image = ImageCms.profileToProfile(red, profile, lab, outputMode="LAB")
    assert image is not None
    assert is_near(pixel(encode(image, "TIFF")), (200, 30, 40))


def test_a_broken_profile_never_costs_the_photo() -> None:
    dice, noise = Random(3), np.random.default_rng(1).integers(0, 256, (64, 80, 3), np.uint8)
    profiles = [profile for profile, _ in SPACES.values() if profile]
    for _ in range(60):
        broken = bytearray(dice.choice(profiles))
        for _ in range(dice.randint(1, 30)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        cut = bytes(broken[: dice.choice([len(broken), dice.randrange(len(broken))])])
        shown = np.asarray(decode(encode(Image.fromarray(noise), "PNG", icc_profile=cut)), int)
        assert np.abs(shown - noise).mean() < 100
    black = rgb_profile((D65, (0.64, 0.33), (0.3, 0.6), BLUE), Curve(60.0, 0.0, 1.0, 0.0))
    absurd = encode(Image.new("RGB", SIZE, (200, 90, 30)), "PNG", icc_profile=black)
    assert pixel(absurd) == (200, 90, 30)


def test_what_a_png_says_without_a_profile() -> None:
    """By the order of its specification: a code, a profile, sRGB, coordinates and gamma."""
    red, grey = (encode(Image.new("RGB", SIZE, each), "PNG") for each in ((234, 51, 35), (55,) * 3))
    code = chunk(b"cICP", bytes((12, 13, 0, 1)))
    adobe = chunk(b"iCCP", b"a\0\0" + zlib.compress(SPACES["Adobe RGB"][0] or b""))
    linear = chunk(b"gAMA", struct.pack(">I", 100_000))
    assert is_near(pixel(with_chunks(red, code)), (255, 0, 0), 3)
    assert is_near(pixel(with_chunks(red, adobe, code)), (255, 0, 0), 3)
    assert is_near(pixel(with_chunks(grey, linear)), (128,) * 3, 1)
    assert pixel(with_chunks(grey, chunk(b"sRGB", b"\0"), linear)) == (55,) * 3
    for usual in (45_455, 0, 2**31):
        assert pixel(with_chunks(grey, chunk(b"gAMA", struct.pack(">I", usual)))) == (55,) * 3
    p3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    assert is_near(pixel(with_chunks(red, chunk(b"cHRM", p3))), (255, 0, 0), 3)
    assert pixel(with_chunks(red, chunk(b"cHRM", bytes(range(200, 232))))) == (234, 51, 35)


@pytest.mark.parametrize(("kind", "options"), FORMATS[-2:], ids=["AVIF", "HEIF"])
def test_a_code_in_an_avif_or_heif(kind: str, options: dict[str, Any]) -> None:
    content = encode(Image.new("RGB", SIZE, (234, 51, 35)), kind, **options)
    at = content.index(b"colrnclx") + 8
    assert is_near(pixel(content), (234, 51, 35))
    assert is_near(pixel(content[:at] + b"\0\x0c" + content[at + 2 :]), (255, 0, 0))


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared photos are not on this machine")
def test_photos_of_real_cases() -> None:
    """One scene in many wrappings: about 140 55 56, and 80.6 in grey."""
    shown, refused = {}, {}
    for path in sorted(REAL.iterdir()):
        try:
            shown[path.name[:2]] = np.asarray(decode(path.read_bytes()), float).mean((0, 1))
        except RejectedError as rejected:
            refused[path.name[:2]] = rejected.reason
    assert refused == {
        "35": "has no picture in it",
        "40": "truncated or damaged",  # the beginning of a HEIC, and noise
        "41": "JPEG XL is not read",
        "42": "raw file of a camera",
    }
    assert np.abs(shown.pop("18") - 80.6).max() < 0.5
    assert all(np.abs(mean - (140, 55, 56)).max() < 1.2 for mean in shown.values())
    assert len(shown) == 9
