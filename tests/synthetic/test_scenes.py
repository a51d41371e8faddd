"""The renderer: same seed, same pixels; labels, masks and boxes that are true of the picture."""

import csv
import hashlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.vocabulary import load_vocabulary
from synthetic.scenes import (
    BACKGROUNDS,
    BODY_TYPES,
    LABEL_COLUMNS,
    SCENE_COLORS,
    SCENE_SIZE,
    VIEWS,
    Choices,
    Person,
    draw_labels,
    painter,
    render,
    write_scenes,
)
from synthetic.scenes.canvas import Canvas
from synthetic.scenes.dice import Dice
from synthetic.scenes.palette import PAINT_COLORS, WEATHERS, Weather
from synthetic.scenes.people import PERSON_AGES, PERSON_KINDS
from synthetic.scenes.scene import TURNS

SMALL = (96, 80)


def digest(image: Image.Image) -> str:
    return hashlib.sha256(image.tobytes()).hexdigest()


def test_the_words_are_those_of_the_catalog() -> None:
    known = load_vocabulary().attributes
    assert set(SCENE_COLORS) == set(known["color"].values)
    assert set(BODY_TYPES) <= set(known["body_type"].values)
    assert len(BODY_TYPES) >= 8
    assert set(BACKGROUNDS) <= set(known["background"].values)
    assert set(VIEWS) == set(known["view"].values)
    assert set(PERSON_KINDS) == set(known["people"].values)
    assert set(PERSON_AGES) == set(known["age"].values)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_a_seed_gives_one_scene_with_true_labels(seed: int) -> None:
    scene, again = render(seed, SMALL), render(seed, SMALL)
    assert digest(scene.image) == digest(again.image)
    assert np.array_equal(scene.mask, again.mask)
    labels = scene.labels
    assert labels == again.labels == draw_labels(seed)
    assert scene.image.size == SMALL
    assert scene.mask.shape == SMALL[::-1]
    assert labels.view in VIEWS
    if labels.view != "exterior":
        assert (labels.body_type, labels.background, scene.box) == (None, None, None)
        assert not scene.mask.any()
        assert not labels.people
        return
    assert labels.color in SCENE_COLORS
    assert labels.body_type in BODY_TYPES
    assert labels.background in BACKGROUNDS
    assert set(labels.people) <= {"man", "woman", "child"}
    assert bool(labels.people) == bool(labels.age)
    assert scene.box is not None
    x0, y0, x1, y1 = scene.box
    assert 0 <= x0 < x1 <= SMALL[0]
    assert 0 <= y0 < y1 <= SMALL[1]
    rows, columns = np.nonzero(scene.mask)
    assert (columns.min(), columns.max() + 1) == (x0, x1)
    assert (rows.min(), rows.max() + 1) == (y0, y1)


def test_other_seeds_give_other_scenes() -> None:
    assert len({digest(render(seed, SMALL).image) for seed in range(30)}) == 30


@pytest.mark.parametrize("color", SCENE_COLORS)
def test_the_paint_is_what_the_mask_shows(color: str) -> None:
    """The mask is held against the pixels: most of what it covers on a flank is the paint."""
    nearest = []
    for seed in range(4):
        scene = render(
            seed, view="exterior", color=color, body_type="van", background="road",
            viewpoint="side", people=(),
        )  # fmt: skip
        pixels = np.asarray(scene.image, dtype=float)[scene.mask]
        chroma = pixels / pixels.sum(axis=1, keepdims=True).clip(1)
        names = list(PAINT_COLORS)
        paints = np.array([PAINT_COLORS[n] for n in names], dtype=float)
        shares = paints / paints.sum(axis=1, keepdims=True)
        distance = np.abs(pixels.mean(axis=0) / 255 - paints / 255).sum(axis=1)
        distance += 3 * np.abs(np.median(chroma, axis=0) - shares).sum(axis=1)
        nearest.append(int(np.argsort(distance).tolist().index(names.index(color))))
    assert np.median(nearest) <= 2


@pytest.mark.parametrize("body_type", BODY_TYPES)
@pytest.mark.parametrize("viewpoint", list(TURNS))
def test_every_body_from_every_side_fills_its_part_of_the_picture(
    body_type: str, viewpoint: str
) -> None:
    scene = render(
        5, SMALL, view="exterior", body_type=body_type, viewpoint=viewpoint, people=()
    )  # fmt: skip
    assert (scene.labels.body_type, scene.labels.viewpoint) == (body_type, viewpoint)
    assert scene.box is not None
    assert 0.08 < scene.mask.mean() < 0.5
    share = scene.mask.sum() / ((scene.box.x1 - scene.box.x0) * (scene.box.y1 - scene.box.y0))
    assert share > 0.45


def test_the_outlines_of_the_body_types_differ() -> None:
    """Side views, put into one frame: no two bodies cover nearly the same part of it."""
    outlines = {}
    for body_type in BODY_TYPES:
        stack = []
        for seed in range(6):
            scene = render(
                seed, view="exterior", body_type=body_type, viewpoint="side", people=()
            )  # fmt: skip
            assert scene.box is not None
            cut = Image.fromarray(scene.mask).crop(scene.box).resize((64, 64))
            across = np.asarray(cut, dtype=float)
            stack.append(np.maximum(across, across[:, ::-1]))
        outlines[body_type] = np.mean(stack, axis=0)
    names = list(outlines)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            assert np.abs(outlines[a] - outlines[b]).mean() > 0.02, (a, b)


def test_people_stand_before_the_car_and_leave_its_mask() -> None:
    people = (Person("man", "old"), Person("woman", "young"), Person("child", "young"))
    with_people = render(11, view="exterior", people=people)
    without = render(11, view="exterior", people=())
    assert with_people.labels.people == ("man", "woman", "child")
    assert with_people.labels.age == ("young", "old")
    assert without.labels.people == ()
    assert with_people.mask.sum() < without.mask.sum()
    changed = np.any(np.asarray(with_people.image) != np.asarray(without.image), axis=2)
    assert changed.mean() > 0.05


def test_a_third_of_the_scenes_has_other_cars_whatever_the_background() -> None:
    drawn = [draw_labels(seed, view="exterior") for seed in range(8000)]
    for background in BACKGROUNDS:
        there = [labels for labels in drawn if labels.background == background]
        assert len(there) > 800
        assert 0.28 < np.mean([bool(labels.others) for labels in there]) < 0.39, background
    assert all(labels.color not in labels.others for labels in drawn)
    chosen = [draw_labels(seed, view="exterior", color="red") for seed in range(800)]
    assert not any("red" in labels.others for labels in chosen)


def test_other_cars_are_seen_and_are_no_part_of_the_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter, "WEATHERS", WEATHERS[:1])
    shares = []
    for seed in range(60):
        choices: Choices = {"view": "exterior", "people": ()}
        alone, beside = (
            painter.paint_exterior(draw_labels(seed, others=o, **choices), Dice(seed), SMALL)[0]
            for o in ((), ("red",))
        )
        mask = np.asarray(alone.mask) == 255
        assert np.array_equal(mask, np.asarray(beside.mask) == 255)
        changed = np.any(np.asarray(alone.image) != np.asarray(beside.image), axis=2)
        assert not changed[mask].any() or draw_labels(seed, **choices).body_type == "convertible"
        shares.append(changed.mean())
    assert np.quantile(shares, 0.05) > 0.01
    assert max(shares) < 0.4


def flat(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """In place of a background: one color that no part of a car has."""
    canvas.rectangle(0, 0, canvas.width, canvas.height, (255, 0, 255))


@pytest.mark.parametrize("body_type", BODY_TYPES)
@pytest.mark.parametrize("people", [(), (Person("man", "old"), Person("child", "young"))])
def test_the_mask_is_what_vanishes_with_the_car(
    body_type: str, people: tuple[Person, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Painted with and without the car, the same picture differs where the mask says, only there.

    Before noise and blur, at the size of painting; shadows stay, for the ground is no car.
    """
    monkeypatch.setattr(painter, "SETTINGS", dict.fromkeys(BACKGROUNDS, flat))
    monkeypatch.setattr(painter, "WEATHERS", WEATHERS[:1])  # rain falls in front of the car
    cases = [(seed, viewpoint) for seed in range(3) for viewpoint in TURNS]
    labels = [
        draw_labels(seed, view="exterior", body_type=body_type, viewpoint=viewpoint, people=people,
                    background="road", others=())
        for seed, viewpoint in cases
    ]  # fmt: skip
    there = [painter.paint_exterior(one, Dice(i), (160, 130))[0] for i, one in enumerate(labels)]
    monkeypatch.setattr(painter.CarPainter, "paint", lambda self: None)
    gone = [painter.paint_exterior(one, Dice(i), (160, 130))[0] for i, one in enumerate(labels)]
    for with_car, without in zip(there, gone, strict=True):
        differs = np.any(np.asarray(with_car.image) != np.asarray(without.image), axis=2)
        mask = np.asarray(with_car.mask) == 255
        assert mask.mean() > 0.05
        # A pixel on which car and ground have one color by chance may be missing, no more.
        assert not (differs & ~mask).any()
        assert (mask & ~differs).sum() <= 0.001 * mask.sum()


@pytest.mark.parametrize(
    ("kind", "age"), [*product(("man", "woman"), PERSON_AGES), ("child", "young")]
)
def test_people_are_large_enough_to_tell(kind: str, age: str) -> None:
    """Their height in the picture; a child is smaller than those who are grown up."""
    heights = []
    for seed in range(30):
        choices: Choices = {"view": "exterior", "others": ()}
        someone = np.asarray(render(seed, people=(Person(kind, age),), **choices).image, dtype=int)
        nobody = np.asarray(render(seed, people=(), **choices).image, dtype=int)
        rows = (np.abs(someone - nobody).max(axis=2) > 40).sum(axis=1)
        heights.append((rows >= 2).sum() / SCENE_SIZE[1])
    assert np.quantile(heights, 0.1) > (0.22 if kind == "child" else 0.32)


def test_light_and_weather_differ_from_scene_to_scene() -> None:
    """The same place in fifty seeds: bright and dark, sharp and blurred, with and without noise."""
    skies, edges, lights = [], [], []
    for seed in range(50):
        scene = render(seed, view="exterior", background="road", people=(), others=())
        pixels = np.asarray(scene.image.convert("L"), dtype=float)
        lights.append(pixels.mean())
        skies.append(np.abs(np.diff(pixels[4:24], axis=1)).mean())
        edges.append(np.abs(np.diff(pixels, axis=0)).max())
    assert max(lights) > 1.6 * min(lights)
    assert max(skies) > 4 * min(skies)
    assert max(edges) > 1.5 * min(edges)


def test_a_choice_changes_only_what_it_names() -> None:
    drawn = draw_labels(3, view="exterior")
    chosen = draw_labels(3, view="exterior", color="pink")
    assert chosen.color == "pink"
    assert (chosen.body_type, chosen.background) == (drawn.body_type, drawn.background)


def test_unknown_words_are_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'purple' cannot be rendered.*violet"):
        render(1, color="purple")
    with pytest.raises(ValueError, match=r"others='purple' cannot be rendered.*violet"):
        render(1, others=("purple",))
    with pytest.raises(ValueError, match="too small"):
        render(1, (20, 20))


def test_writing_twice_changes_nothing(tmp_path: Path) -> None:
    first = write_scenes(tmp_path / "scenes", 6, 40)
    before = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in first.folder.iterdir()}
    (first.folder / "scene_000002.jpg").write_bytes(b"half")
    second = write_scenes(tmp_path / "scenes", 6, 40)
    after = {p.name: (p.read_bytes(), p.stat().st_mtime_ns) for p in second.folder.iterdir()}
    assert (first.new, second.new) == (6, 1)
    assert {n: b for n, (b, _) in before.items()} == {n: b for n, (b, _) in after.items()}
    untouched = [n for n in before if before[n][1] == after[n][1]]
    assert len(untouched) == 6
    assert sorted(before) == ["labels.csv", *(f"scene_{i:06d}.jpg" for i in range(1, 7))]


def test_the_sidecar_says_what_the_photos_show(tmp_path: Path) -> None:
    written = write_scenes(tmp_path, 40, 7)
    with written.labels.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == LABEL_COLUMNS
    assert len(rows) == 40
    for i, row in enumerate(rows):
        labels = draw_labels(7 + i)
        assert row["color"] == (labels.color or "")
        assert row["people"] == (";".join(labels.people) or "none")
        with Image.open(tmp_path / row["path"]) as photo:
            assert photo.size == SCENE_SIZE
    assert any(";" in row["people"] for row in rows)
