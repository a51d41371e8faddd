"""The color model: laws, what it cannot tell, rendered scenes, and real photos."""

import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.vocabulary import load_vocabulary
from labeling.color import LEAST_PIXELS, is_grayscale, oklab, paint_scores
from synthetic.scenes import SCENE_COLORS, render

SWATCHES = load_vocabulary().questions["color"].swatches
PAINTS = [(value, paint) for value, paints in SWATCHES.items() for paint in paints]
# Paints that lie between two colors are swatches of one of them: people disagree, too.
CLEAR = {
    "black": (10, 10, 10), "white": (250, 250, 250), "grey": (80, 82, 84), "blue": (20, 50, 180),
    "red": (200, 20, 25), "green": (25, 120, 55), "yellow": (250, 220, 30),
    "orange": (245, 125, 15), "brown": (80, 50, 35), "beige": (222, 202, 164),
    "gold": (206, 164, 52), "bronze": (150, 104, 62), "violet": (110, 45, 165),
    "pink": (240, 130, 180),
}  # fmt: skip

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


def painted(paint: tuple[int, int, int], share: float = 1.0, seed: int = 0) -> tuple[Pixels, Mask]:
    """A car in the grass: `share` of it in this paint from its left side on, the rest tyres."""
    draw = np.random.default_rng(seed)
    photo = draw.normal((110, 130, 90), 10, (160, 240, 3))
    car = np.zeros((160, 240), bool)
    car[50:120, 60:180] = True
    photo[50:120, 60:180] = draw.normal((16, 16, 18), 3, (70, 120, 3))
    photo[50:120, 60 : 60 + round(120 * share)] = paint + draw.normal(
        0, 3, (70, round(120 * share), 3)
    )
    return np.clip(photo, 0, 255).astype(np.uint8), car


def named(scores: npt.NDArray[np.float32] | None, swatches: Mapping[str, object] = SWATCHES) -> str:
    assert scores is not None
    return list(swatches)[scores.argmax()]


def test_oklab_is_that_of_its_author() -> None:
    """The pairs that Ottosson (2020) publishes, by way of XYZ there, and sRGB's red."""
    grey = oklab(np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]], np.uint8))
    assert np.allclose(grey[0], 0, atol=1e-6)
    assert np.allclose(grey[1], [1, 0, 0], atol=1e-4)
    assert np.allclose(grey[2], [0.6280, 0.2249, 0.1258], atol=2e-4)


@pytest.mark.parametrize("value", CLEAR)
def test_a_car_in_a_clear_paint_is_named(value: str) -> None:
    photo, car = painted(CLEAR[value])
    assert named(paint_scores(photo, car, SWATCHES)) == value
    if value != "grey":  # a small grey patch in a whole photo is rather a road
        assert named(paint_scores(photo, None, SWATCHES)) == value


@pytest.mark.parametrize(
    ("value", "share"),
    [("white", 0.6), ("red", 0.35), ("blue", 0.35), ("yellow", 0.35), ("green", 0.35)],
)
def test_glass_and_tyres_do_not_make_a_car_black(value: str, share: float) -> None:
    photo, car = painted(CLEAR[value], share)
    assert named(paint_scores(photo, car, SWATCHES)) == value


def test_a_car_that_is_mostly_dark_is_black() -> None:
    photo, car = painted((200, 202, 205), share=0.12)
    assert named(paint_scores(photo, car, SWATCHES)) == "black"


@given(st.sampled_from(PAINTS), st.integers(0, 2**32 - 1))
def test_scores_are_log_probabilities(paint: tuple[str, tuple[int, int, int]], seed: int) -> None:
    photo, car = painted(paint[1], seed=seed)
    scores = paint_scores(photo, car, SWATCHES)
    assert scores is not None
    assert scores.dtype == np.float32
    assert scores.shape == (len(SWATCHES),)
    assert np.exp(scores).sum() == pytest.approx(1, abs=1e-4)


@given(st.permutations(list(SWATCHES)), st.sampled_from(PAINTS))
def test_the_order_of_the_values_is_that_of_the_scores(
    order: list[str], paint: tuple[str, tuple[int, int, int]]
) -> None:
    photo, car = painted(paint[1])
    scores = paint_scores(photo, car, SWATCHES)
    other = paint_scores(photo, car, {value: SWATCHES[value] for value in order})
    assert scores is not None
    assert other is not None
    assert dict(zip(SWATCHES, scores, strict=True)) == pytest.approx(
        dict(zip(order, other, strict=True)), rel=1e-4, abs=1e-4
    )


def test_a_color_of_a_user_is_found_by_its_swatches(tmp_path: Path) -> None:
    file = tmp_path / "more.toml"
    file.write_text(
        "[attributes.color.words]\nturquoise_blue = []\n"
        '[attributes.color.swatches]\nturquoise_blue = ["#10b0a8"]\n'
    )
    swatches = load_vocabulary(file).questions["color"].swatches
    photo, car = painted((18, 170, 165))
    assert named(paint_scores(photo, car, swatches), swatches) == "turquoise_blue"
    red, car = painted((200, 20, 25))
    assert named(paint_scores(red, car, swatches), swatches) == "red"


def test_a_value_without_swatches_is_never_named() -> None:
    photo, car = painted((200, 20, 25))
    scores = paint_scores(photo, car, {"none": [], "red": [(200, 20, 25)], "last": []})
    assert scores is not None
    assert scores.tolist() == pytest.approx([-np.inf, 0, -np.inf])


def test_every_color_of_the_vocabulary_has_swatches() -> None:
    assert tuple(SWATCHES) == load_vocabulary().attributes["color"].values
    assert all(SWATCHES.values())


def test_too_little_of_a_car_does_not_tell() -> None:
    photo, car = painted((200, 20, 25))
    assert paint_scores(photo, np.zeros_like(car), SWATCHES) is None
    some = np.zeros(car.size, bool)
    some[np.flatnonzero(car)[: LEAST_PIXELS - 1]] = True
    assert paint_scores(photo, some.reshape(car.shape), SWATCHES) is None
    some[np.flatnonzero(car)[:LEAST_PIXELS]] = True
    assert paint_scores(photo, some.reshape(car.shape), SWATCHES) is not None
    large = np.tile(photo, (3, 3, 1))  # as many pixels, but too small a share
    spot = np.zeros(large.shape[:2], bool)
    spot.flat[: LEAST_PIXELS + 50] = True
    assert paint_scores(large, spot, SWATCHES) is None


def test_a_grayscale_photo_does_not_tell_and_a_white_car_on_a_grey_road_does() -> None:
    photo, car = painted((200, 20, 25))
    grey = np.asarray(Image.fromarray(photo).convert("L").convert("RGB"))
    assert is_grayscale(grey)
    assert paint_scores(grey, car, SWATCHES) is None
    assert paint_scores(grey, None, SWATCHES) is None
    scenes = [render(seed, color="white", view="exterior", background="road") for seed in range(12)]
    assert not any(is_grayscale(np.asarray(scene.image)) for scene in scenes)


def test_a_mask_of_another_size_is_refused() -> None:
    photo, car = painted((200, 20, 25))
    with pytest.raises(ValueError, match=r"\(80, 120\)"):
        paint_scores(photo, car[::2, ::2], SWATCHES)


@pytest.fixture(scope="module")
def scenes() -> list[tuple[Pixels, Mask, str]]:
    found = [render(seed, view="exterior") for seed in range(930_000, 930_300)]
    return [(np.asarray(each.image), each.mask, each.labels.color or "") for each in found]


def test_rendered_cars_are_named_by_their_exact_masks(
    scenes: list[tuple[Pixels, Mask, str]],
) -> None:
    right = [named(paint_scores(photo, car, SWATCHES)) == color for photo, car, color in scenes]
    assert {color for *_, color in scenes} == set(SCENE_COLORS)
    assert np.mean(right) >= 0.95


def test_a_mask_that_is_a_bit_wrong_does_little_harm(
    scenes: list[tuple[Pixels, Mask, str]],
) -> None:
    right = []
    for photo, car, color in scenes:
        moved = np.roll(car, (car.shape[0] // 40, car.shape[1] // 40), axis=(0, 1))
        right.append(named(paint_scores(photo, moved, SWATCHES)) == color)
    assert np.mean(right) >= 0.92


def test_hundreds_of_photos_a_second(scenes: list[tuple[Pixels, Mask, str]]) -> None:
    """A fifth of what an idle core does, in time of this process alone."""
    began = time.process_time()
    for photo, car, _ in scenes[:100]:
        paint_scores(photo, car, SWATCHES)
    assert 100 / (time.process_time() - began) > 150


def test_real_cars_are_named_without_a_mask(shared_data: Path) -> None:
    """Every fifth photo, and only the colors of the folders, as people sorted them."""
    places = sorted((shared_data / "vehicle_colour").iterdir())
    swatches = {place.name: SWATCHES[place.name] for place in places}
    right = []
    for place in places:
        for path in sorted(place.iterdir())[::5]:
            scores = paint_scores(np.asarray(Image.open(path).convert("RGB")), None, swatches)
            right.append(scores is not None and named(scores, swatches) == place.name)
    assert len(right) == 198
    assert np.mean(right) > 0.8


def test_the_color_model_needs_no_torch() -> None:
    code = "import sys, labeling.color; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
