"""Labelers that look at pictures, on photos of every kind."""

import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catalog.register import register
from catalog.table import Catalog
from core.photos.decode import image_id
from core.records import Photo, Sighting
from core.vocabulary import load_vocabulary
from embeddings.clip import ClipEncoder
from embeddings.engine import Engine
from embeddings.tuning import RunConfig
from labeling import masks
from labeling.labelers import Calibration, Labeler
from labeling.pictures import (
    AROUND,
    ColorModel,
    MaskedPhoto,
    PixelLabeler,
    Surroundings,
    label_pictures,
    load_masked_photos,
    without_car,
)
from labeling.segment import Segmenter, load_segmenter, segment_photos
from labeling.zero_shot import make_classifiers
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes

VOCABULARY = load_vocabulary()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
RED = {"view": "exterior", "color": "red", "body_type": "suv", "others": (), "people": ()}


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return load_segmenter(masks.MASK_MODEL, None, "cpu", "fp32")


@pytest.fixture
def engine(segmenter: Segmenter) -> Iterator[Engine]:
    with closing(Engine(segmenter, RunConfig(batch_size=8))) as found:
        yield found


@pytest.fixture(scope="module")
def members(tiny_encoder: ClipEncoder, segmenter: Segmenter) -> list[PixelLabeler]:
    classifiers = make_classifiers(tiny_encoder, VOCABULARY)
    seen_with = (segmenter.version, tiny_encoder.record.version)
    return [
        ColorModel(VOCABULARY, segmenter.version, is_tryout=True),
        Surroundings(tiny_encoder, classifiers, seen_with, is_tryout=True),
    ]


def labeler_of(member: PixelLabeler) -> Labeler:
    how = {each.attribute: Calibration(1.0, 0.5) for each in member.attributes}
    return Labeler(member.name, "v1", "", member.is_tryout, how)


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def odd_photos() -> dict[str, bytes]:
    """Photos that tell little, or too much."""
    car = render(1, **RED).image  # type: ignore[arg-type]
    ten = Image.new("RGB", (1200, 400))
    for at in range(10):
        ten.paste(render(at, view="exterior").image, (at % 5 * 240, at // 5 * 200))
    return {
        "no car": jpeg_bytes(render(3, view="not_a_car")),
        "an interior": jpeg_bytes(render(4, view="interior")),
        "ten cars": png(ten),
        "grayscale": png(car.convert("L")),
        "black": png(Image.new("RGB", (64, 64))),
        "white": png(Image.new("RGB", (300, 80), "white")),
        "a strip": png(car.resize((2000, 64))),
        "tiny": png(car.resize((64, 64))),
        "palette": png(car.convert("P")),
        "see-through": png(car.convert("RGBA")),
    }


def look(
    catalog: Catalog,
    engine: Engine,
    segmenter: Segmenter,
    members: list[PixelLabeler],
    photos: dict[str, bytes],
) -> dict[tuple[str, str], tuple[str, ...] | None]:
    """(photo, attribute) -> what was said; None: it cannot be told."""
    records = [Photo(Sighting("shop", name, {}), content) for name, content in photos.items()]
    register(catalog, records, run_id="r")
    names = {image_id(content): name for name, content in photos.items()}
    assert segment_photos(catalog, segmenter, engine, list(names), "r").photos == len(photos)
    seen = dict(load_masked_photos(catalog, list(names)))
    assert len(seen) == len(photos)
    made = [
        said
        for member in members
        for said in label_pictures(member, labeler_of(member), seen, {}, VOCABULARY, NOW)
    ]
    assert all(said.values or said.one_of or said.attribute in {"people", "age"} for said in made)
    assert all(said.one_of or 0 <= (said.confidence or -1) <= 1 for said in made)
    return {
        (names[said.image_id], said.attribute): None if said.one_of else said.values
        for said in made
    }


def test_odd_photos_are_labeled_or_unknown(
    catalog: Catalog, engine: Engine, segmenter: Segmenter, members: list[PixelLabeler]
) -> None:
    photos = odd_photos()
    said = look(catalog, engine, segmenter, members, photos)
    asked = {
        attribute for member in members for attribute in (e.attribute for e in member.attributes)
    }
    assert asked == {"color", *AROUND}
    assert set(said) == {(name, attribute) for name in photos for attribute in asked}
    for name in ("no car", "an interior", "grayscale", "black", "white"):
        assert said[name, "color"] is None, name
    assert said["palette", "color"] == ("red",)
    assert {said[name, "background"] for name in ("no car", "black", "white")} == {None}


def test_real_photos_are_labeled_or_unknown(
    catalog: Catalog,
    engine: Engine,
    segmenter: Segmenter,
    members: list[PixelLabeler],
    shared_data: Path,
) -> None:
    """Toys, trucks, grayscale and damaged colors are among them."""
    some = sorted((shared_data / "vehicle_colour").glob("*/*"))[::40]
    photos = {f"{path.parent.name} {path.name}": path.read_bytes() for path in some}
    said = look(catalog, engine, segmenter, members, photos)
    assert len({name for name, _ in said}) == len(some) > 20


def test_a_car_that_is_painted_over_is_gone_and_the_rest_is_as_it_was() -> None:
    scene = render(5, **RED)  # type: ignore[arg-type]
    left = np.asarray(without_car(MaskedPhoto(scene.image, scene.mask)))
    before = np.asarray(scene.image)
    assert (left[~scene.mask] == before[~scene.mask]).all()
    assert len(np.unique(left[scene.mask], axis=0)) == 1
    for nothing in (np.zeros_like(scene.mask), np.ones_like(scene.mask)):
        assert (np.asarray(without_car(MaskedPhoto(scene.image, nothing))) == before).all()


def test_what_makes_no_sense_for_a_view_is_not_said(members: list[PixelLabeler]) -> None:
    scene = render(6, **RED)  # type: ignore[arg-type]
    photos = {"a" * 64: MaskedPhoto(scene.image, scene.mask)}
    for view, about in {
        "interior": {"people", "age"},
        "not_a_car": set(),
        "detail": {"color"},
    }.items():
        made = [
            said.attribute
            for member in members
            for said in label_pictures(
                member, labeler_of(member), photos, {"a" * 64: view}, VOCABULARY, NOW
            )
        ]
        assert set(made) == about, view


def test_no_photos_are_no_error(members: list[PixelLabeler]) -> None:
    for member in members:
        assert label_pictures(member, labeler_of(member), {}, {}, VOCABULARY, NOW) == []


def test_another_paint_is_another_version(tmp_path: Path) -> None:
    extra = tmp_path / "mine.toml"
    extra.write_text('[attributes.color.swatches]\nred = ["#aa1133"]\n')
    mine = load_vocabulary(extra)
    prints = {
        ColorModel(words, network, is_tryout=False).fingerprint
        for words in (VOCABULARY, mine)
        for network in ("one", "two")
    }
    assert len(prints) == 4
