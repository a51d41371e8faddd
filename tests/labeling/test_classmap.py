"""Class maps: where the photo lies in what the network saw, thresholds, parts, PNGs."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage

from core.errors import UsageMistakeError
from core.records import Box
from embeddings.preparation import LONGEST_STRIP, Preparation
from labeling.classmap import (
    ClassMap,
    ClassMapError,
    Mask,
    Numbers,
    Part,
    car_mask,
    main_part,
    mask_png,
    voc_palette,
)

CLASSES = ("__background__", "aeroplane", "car", "dog")
SIDES = st.integers(1, 24)
PIXELS = st.tuples(SIDES, SIDES).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, len(CLASSES) - 1))
)
MAPS = PIXELS.map(lambda numbers: ClassMap(numbers, CLASSES))
MASKS = st.tuples(SIDES, SIDES).flatmap(lambda shape: arrays(np.bool_, shape))
OUTPUTS = st.integers(8, 24).flatmap(
    lambda side: st.tuples(
        arrays(np.uint8, (side, side), elements=st.integers(0, len(CLASSES) - 1)),
        arrays(np.uint8, (side, side), elements=st.integers(1, 255)),
    ).map(np.stack)
)
PHOTO_SIZES = st.one_of(
    st.tuples(st.integers(64, 900), st.integers(64, 900)),
    st.tuples(st.integers(64, 80), st.integers(512, 4000)),  # strips, and those next to them
    st.tuples(st.integers(512, 4000), st.integers(64, 80)),
)


def seen_whole(photo_size: tuple[int, int], side: int) -> Numbers:
    """What a network says that takes for a car all that it sees of a photo."""
    preparation = Preparation(side, side, (0,) * 3, (1,) * 3, "bilinear", "longest", (0,) * 3)
    picture = preparation.fit(Image.new("RGB", photo_size, "white"))
    return np.stack([np.where(picture[..., 0] == 255, 2, 3), np.full((side, side), 255)]).astype(
        np.uint8
    )


@given(PHOTO_SIZES, st.sampled_from([32, 65, 128]))
def test_the_photo_is_cut_out_of_the_letterbox_exactly(
    photo_size: tuple[int, int], side: int
) -> None:
    output = seen_whole(photo_size, side)
    found = ClassMap.of(output, CLASSES, photo_size)
    assert not found.mask("dog").any()  # which is what lies around the photo
    assert np.count_nonzero(car_mask(found)) == np.count_nonzero(output[0] == 2)
    width, height = photo_size
    if max(photo_size) <= LONGEST_STRIP * min(photo_size):
        assert car_mask(found).all()
        assert max(found.numbers.shape) == side
    (part,) = found.parts()
    middle = (part.box.x0 + part.box.x1) / 2, (part.box.y0 + part.box.y1) / 2
    assert middle == (found.numbers.shape[1] / 2, found.numbers.shape[0] / 2)
    rows, columns = found.numbers.shape
    # A side is rounded to a pixel; of a strip the middle and both margins are.
    assert abs(rows * width - columns * height) <= 1.6 * max(photo_size)


def test_a_strip_is_background_where_the_network_did_not_look() -> None:
    found = ClassMap.of(seen_whole((64, 64 * 24), 32), CLASSES, (64, 64 * 24))
    assert found.numbers.shape == (96, 4)
    assert car_mask(found)[32:64].all()
    assert not found.numbers[:32].any()
    assert not found.numbers[64:].any()


@given(OUTPUTS, PHOTO_SIZES, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_threshold_keeps_less(
    output: Numbers, photo_size: tuple[int, int], one: float, other: float
) -> None:
    strict, loose = (
        ClassMap.of(output, CLASSES, photo_size, each) for each in sorted((one, other))[::-1]
    )
    assert ((strict.numbers == loose.numbers) | (strict.numbers == 0)).all()
    for part in strict.parts():
        assert part.confidence is not None
        assert part.confidence >= max(one, other) - 1e-9


@given(OUTPUTS, PHOTO_SIZES)
def test_a_threshold_of_zero_keeps_all_and_one_the_certain(
    output: Numbers, photo_size: tuple[int, int]
) -> None:
    every = ClassMap.of(output, CLASSES, photo_size, 0)
    certain = ClassMap.of(output, CLASSES, photo_size, 1)
    assert every.confidence is not None
    assert np.array_equal(certain.numbers, np.where(every.confidence == 255, every.numbers, 0))


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    with pytest.raises(UsageMistakeError, match=f"{threshold}.*0 to 1"):
        ClassMap.of(seen_whole((64, 64), 8), CLASSES, (64, 64), threshold)


@given(PIXELS, st.integers(4, 40))
def test_a_png_gives_the_same_map_back(numbers: Numbers, more: int) -> None:
    classes = (*CLASSES, *(f"class {at}" for at in range(more)))
    png = ClassMap(numbers, classes).to_png()
    again = ClassMap.from_png(png, classes)
    assert again.classes == classes
    assert again.confidence is None
    assert again.numbers.dtype == np.uint8
    assert np.array_equal(again.numbers, numbers)


def test_the_palette_is_that_of_pascal_voc() -> None:
    palette = np.reshape(voc_palette(256), (256, 3))
    known = {0: (0, 0, 0), 1: (128, 0, 0), 7: (128, 128, 128), 15: (192, 128, 128),
             20: (0, 64, 128), 255: (224, 224, 192)}  # fmt: skip
    assert {number: tuple(palette[number]) for number in known} == known
    assert len({tuple(color) for color in palette}) == 256
    with Image.open(io.BytesIO(ClassMap(np.full((2, 3), 2, np.uint8), CLASSES).to_png())) as image:
        assert (image.mode, image.size) == ("P", (3, 2))
        assert image.convert("RGB").getpixel((0, 0)) == (0, 128, 0)


def test_a_png_that_is_no_class_map_is_refused() -> None:
    png = ClassMap(np.full((20, 20), 3, np.uint8), CLASSES).to_png()
    photo = io.BytesIO()
    Image.new("RGB", (9, 9)).save(photo, "PNG")
    for bad in (b"", png[:-30], b"no" + png, photo.getvalue()):
        with pytest.raises(ClassMapError, match="segment its photo again") as refused:
            ClassMap.from_png(bad, CLASSES)
        assert " at 0x" not in str(refused.value), "addresses tell people nothing"
    with pytest.raises(ClassMapError, match="3 classes"):
        ClassMap.from_png(png, CLASSES[:3])


@given(PIXELS, st.data())
def test_parts_tell_all_that_is_not_background(numbers: Numbers, data: st.DataObject) -> None:
    confidence = data.draw(arrays(np.uint8, numbers.shape, elements=st.integers(1, 255)))
    found = ClassMap(numbers, CLASSES, confidence)
    parts = found.parts()
    assert {part.label for part in parts} == {CLASSES[each] for each in np.unique(numbers) if each}
    assert sum(part.area_pixels for part in parts) == np.count_nonzero(numbers)
    assert [part.area_pixels for part in parts] == sorted(
        (part.area_pixels for part in parts), reverse=True
    )
    for part in parts:
        mask = found.mask(part.label)
        rows, columns = np.nonzero(mask)
        box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert part.box == box
        assert part.area_pixels == len(rows)
        assert part.share == len(rows) / mask.size
        assert part.confidence == pytest.approx(confidence[mask].mean() / 255)
    stored = ClassMap.from_png(found.to_png(), CLASSES).parts()
    assert [(p.label, p.area_pixels, p.box, p.confidence) for p in stored] == [
        (p.label, p.area_pixels, p.box, None) for p in parts
    ]


def test_a_part_by_hand() -> None:
    numbers = np.zeros((4, 5), np.uint8)
    numbers[1:3, 2:5] = 2
    numbers[0, 0] = 1
    confidence = np.full((4, 5), 102, np.uint8)
    assert ClassMap(numbers, CLASSES, confidence).parts() == [
        Part("car", 6, 0.3, Box(2, 1, 5, 3), pytest.approx(0.4)),
        Part("aeroplane", 1, 0.05, Box(0, 0, 1, 1), pytest.approx(0.4)),
    ]
    assert ClassMap(np.zeros((4, 5), np.uint8), CLASSES).parts() == []


@given(MAPS, st.integers(1, 4))
def test_a_larger_map_has_the_same_shares(found: ClassMap, times: int) -> None:
    rows, columns = found.numbers.shape
    size = (columns * times, rows * times)
    large = found.resized(size)
    assert np.array_equal(large.numbers, found.numbers.repeat(times, 0).repeat(times, 1))
    assert [part.share for part in large.parts()] == [part.share for part in found.parts()]
    assert np.array_equal(found.mask("car", size), large.mask("car"))
    assert np.array_equal(car_mask(found, size), large.mask("car"))


def test_a_class_that_is_not_known_is_said() -> None:
    with pytest.raises(UsageMistakeError, match="no 'lorry'; it knows aeroplane, car, dog"):
        ClassMap(np.zeros((2, 2), np.uint8), CLASSES).mask("lorry")


@given(MASKS)
def test_the_main_part_is_the_largest_that_hangs_together(mask: Mask) -> None:
    part = main_part(mask)
    assert part.dtype == np.bool_
    assert not (part & ~mask).any()
    assert ndimage.label(part)[1] == min(1, np.count_nonzero(mask))
    assert np.array_equal(main_part(part), part)
    # What is left has no larger part.
    assert np.count_nonzero(main_part(mask & ~part)) <= np.count_nonzero(part)
    # It is whole: nothing of the mask is beside it.
    assert not (ndimage.binary_dilation(part) & mask & ~part).any()


def test_a_mask_is_a_png_of_one_bit() -> None:
    mask = np.zeros((70, 90), np.bool_)
    mask[10:20, 5:90] = True
    with Image.open(io.BytesIO(mask_png(mask))) as image:
        assert image.mode == "1"
        assert np.array_equal(np.array(image), mask)
