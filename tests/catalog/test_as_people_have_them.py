"""Photos in the state in which phones, copies that are under way and old disks leave them."""

import io
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from catalog.register import PHOTO_REPLACED, register
from catalog.table import Catalog
from core.photos.decode import FIRST_FRAME, decode_facts
from crawlers.imports.folder import FolderSource
from tests.catalog.making import png

RED, BLUE = (200, 30, 20), (10, 20, 220)


def saved(image: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **how)
    return out.getvalue()


def shown(content: bytes) -> tuple[int, ...]:
    """The mean color of a photo's thumbnail."""
    with Image.open(io.BytesIO(decode_facts(content).thumbnail)) as thumbnail:
        return tuple(int(each) for each in np.asarray(thumbnail.convert("RGB")).mean((0, 1)))


def test_a_photo_that_is_still_being_copied_is_taken_when_it_is_whole(
    catalog: Catalog, tmp_path: Path
) -> None:
    folder = tmp_path / "inbox"
    folder.mkdir()
    noise = np.random.default_rng(3).integers(0, 256, (90, 120, 3), np.uint8)
    whole = saved(Image.fromarray(noise), "JPEG")
    (folder / "a.jpg").write_bytes(whole[: len(whole) // 2])
    half = register(catalog, FolderSource(folder).records(), run_id="r1")
    assert (half.new, half.rejected.total()) == (0, 1)
    (folder / "a.jpg").write_bytes(whole)
    done = register(catalog, FolderSource(folder).records(), run_id="r2")
    assert (done.new, done.rejected.total(), done.notices[PHOTO_REPLACED]) == (1, 0, 0)


def test_one_photo_under_many_names_is_one_photo(catalog: Catalog, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "copies").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(png(1))
    (folder / "copies" / "a (1).jpg").write_bytes(png(1))
    os.link(folder / "a.jpg", folder / "hard.jpg")
    (folder / "soft.jpg").symlink_to("a.jpg")
    done = register(catalog, FolderSource(folder).records(), run_id="r")
    assert (done.new, done.again) == (1, 3)
    assert (catalog.count("images"), catalog.count("sightings")) == (1, 4)


def test_names_that_look_alike_are_two_files(catalog: Catalog, tmp_path: Path) -> None:
    """A Mac writes an accent as a letter of its own."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed, form in enumerate(("NFC", "NFD")):
        (folder / unicodedata.normalize(form, "café.jpg")).write_bytes(png(seed))
    if len(list(folder.iterdir())) == 1:
        pytest.skip("this file system takes both names for one")
    assert register(catalog, FolderSource(folder).records(), run_id="r").new == 2


def test_of_an_animation_with_a_picture_before_it_that_picture_is_shown(catalog: Catalog) -> None:
    frames = [Image.new("RGB", (80, 80), BLUE)]
    still = saved(
        Image.new("RGB", (80, 80), RED), "PNG", save_all=True, append_images=frames,
        default_image=True,
    )  # fmt: skip
    assert shown(still) == pytest.approx(RED, abs=3)
    assert decode_facts(still).animated, FIRST_FRAME


def test_a_photo_of_a_phone_whose_second_picture_was_cut_off_is_taken() -> None:
    """Programs that hand photos on keep the list of pictures and drop all but the first."""
    other = Image.new("RGB", (96, 96), BLUE)
    both = saved(Image.new("RGB", (96, 96), RED), "MPO", save_all=True, append_images=[other])
    first = both[: both.rindex(b"\xff\xd8\xff")]
    assert len(first) < len(both)
    assert shown(first) == pytest.approx(RED, abs=3)
    assert not decode_facts(first).animated


def test_a_turn_that_only_xmp_tells_is_made() -> None:
    told = PngImagePlugin.PngInfo()
    told.add_itxt(
        "XML:com.adobe.xmp",
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>',
    )
    facts = decode_facts(saved(Image.new("RGB", (200, 100), RED), "PNG", pnginfo=told))
    assert (facts.width, facts.height) == (100, 200)


@pytest.mark.parametrize("size", [(30_000, 64), (64, 30_000)])
def test_a_panorama_of_any_shape_has_a_thumbnail(size: tuple[int, int]) -> None:
    assert shown(saved(Image.new("RGB", size, RED), "JPEG")) == pytest.approx(RED, abs=3)


@pytest.mark.parametrize("number", [0, 9, 255])
def test_a_turn_that_there_is_not_is_none(number: int) -> None:
    exif = Image.Exif()
    exif[274] = number
    facts = decode_facts(saved(Image.new("RGB", (200, 100), RED), "JPEG", exif=exif.tobytes()))
    assert (facts.width, facts.height) == (200, 100)
