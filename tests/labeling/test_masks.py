"""marque-mask-tiny: its files, what it finds in unseen scenes, its training and its card."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from core.errors import UsageMistakeError
from labeling.masks import CLASSES, MASK_MODEL, MASK_WEIGHTS, SIDE
from labeling.masks.network import STRIDE, MaskNetwork, load_network
from labeling.masks.pictures import car_masks, letterbox, scaled_size, to_input
from synthetic.masks import evaluate, train
from synthetic.masks.evaluate import (
    EVALUATION_SIZES,
    LARGE,
    WANTED,
    MaskScores,
    find_cars,
    measured,
)
from synthetic.masks.scenes import NARROWEST, WIDEST, draw_size, training_batches, vary
from synthetic.masks.train import STEPS, TRAINING_BATCH, MaskTrainer, mask_loss
from synthetic.scenes import SCENE_SIZE, render
from synthetic.scenes.dice import Dice
from synthetic.tiny.evaluate import BEGIN, END
from synthetic.tiny.scenes import EVALUATION_SEED, LAST_SEED, SEED_STRIDE

CARD = Path(__file__).parents[2] / "docs" / f"{MASK_MODEL}.md"


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return load_network()


@pytest.fixture(scope="module")
def found(network: nn.Module) -> MaskScores:
    return find_cars(network, EVALUATION_SEED + 50_000, 60)


def test_the_weights_are_small_and_the_checksum_beside_them_is_theirs() -> None:
    assert MASK_WEIGHTS.stat().st_size <= 6_000_000
    said = MASK_WEIGHTS.with_name(f"{MASK_WEIGHTS.name}.sha256").read_text()
    assert said == f"{hashlib.sha256(MASK_WEIGHTS.read_bytes()).hexdigest()}  {MASK_WEIGHTS.name}\n"


def test_git_does_not_leave_the_weights_out() -> None:
    """What git ignores, the wheel lacks too."""
    for path in (MASK_WEIGHTS, MASK_WEIGHTS.with_name(f"{MASK_WEIGHTS.name}.sha256")):
        asked = ["git", "check-ignore", "-q", path.name]
        assert subprocess.run(asked, cwd=path.parent, check=False).returncode != 0


def test_naming_the_network_imports_no_torch() -> None:
    code = "import sys, labeling.masks as m; m.MASK_WEIGHTS; print('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def test_it_finds_the_car_in_unseen_scenes(found: MaskScores) -> None:
    assert found.whole.sum() >= 40
    assert found.pooled >= WANTED
    assert found.overlaps.mean() >= WANTED


def test_it_finds_little_where_no_whole_car_is(found: MaskScores) -> None:
    assert (~found.whole).any()
    assert found.area[~found.whole].mean() < LARGE / 2


def test_the_car_is_told_from_those_behind_it(network: nn.Module) -> None:
    """The same scene with and without other cars: the mask stays that of the first."""
    for seed in range(EVALUATION_SEED + 60_000, EVALUATION_SEED + 60_008):
        scene = render(seed, view="exterior", others=("red", "white"))
        (mask,) = car_masks(network, [scene.image])
        assert (mask & scene.mask).sum() / (mask | scene.mask).sum() >= 0.75


@pytest.mark.parametrize(("height", "width"), [(128, 128), (96, 256), (16, 32), (224, 160)])
def test_every_pixel_gets_logits_whatever_the_size(
    network: nn.Module, height: int, width: int
) -> None:
    with torch.inference_mode():
        logits = network(torch.zeros(2, 3, height, width))
    assert logits.shape == (2, len(CLASSES), height, width)
    assert logits.isfinite().all()


def test_a_larger_square_than_in_training_finds_the_car_too(network: nn.Module) -> None:
    scene = render(EVALUATION_SEED + 70_001, (192, 192), view="exterior", others=(), people=())
    with torch.inference_mode():
        logits = network(to_input(np.stack([scene.image])))[0]
    mask = (logits[1] > logits[0]).numpy()
    assert (mask & scene.mask).sum() / (mask | scene.mask).sum() >= 0.75


@pytest.mark.parametrize(("height", "width"), [(100, 128), (128, 130), (8, 8)])
def test_a_size_that_does_not_fit_is_refused(network: nn.Module, height: int, width: int) -> None:
    with pytest.raises(UsageMistakeError, match=f"{width} x {height}; .*multiples of {STRIDE}"):
        network(torch.zeros(1, 3, height, width))


def test_masks_do_not_depend_on_the_batch(network: nn.Module) -> None:
    images = [
        render(EVALUATION_SEED + 70_100 + i, size, view="exterior").image
        for i, size in enumerate(EVALUATION_SIZES)
    ]
    together = car_masks(network, images)
    for image, mask in zip(images, together, strict=True):
        assert mask.shape == (image.height, image.width)
        (alone,) = car_masks(network, [image])
        assert (alone != mask).mean() < 0.001


@given(st.integers(1, 600), st.integers(1, 600))
def test_a_letterboxed_photo_is_whole_and_black_around(width: int, height: int) -> None:
    pixels, box = letterbox(Image.new("RGB", (width, height), (255, 255, 255)))
    assert pixels.shape == (SIDE, SIDE, 3)
    inside = np.zeros((SIDE, SIDE), dtype=bool)
    inside[box.y0 : box.y1, box.x0 : box.x1] = True
    assert ((pixels == 255).all(axis=2) == inside).all()
    assert (pixels[~inside] == 0).all()
    assert (box.x1 - box.x0, box.y1 - box.y0) == scaled_size(width, height)
    assert max(box.x1 - box.x0, box.y1 - box.y0) == SIDE
    assert abs(box.x0 - (SIDE - box.x1)) <= 1
    assert abs(box.y0 - (SIDE - box.y1)) <= 1


def test_training_pictures_keep_their_masks() -> None:
    """What is cut, mirrored and moved is so in both: a light car on dark ground stays under it."""
    likeness = []
    for seed in range(120):
        dice = Dice(seed)
        width, height = draw_size(dice)
        assert NARROWEST * 0.98 <= width / height <= WIDEST * 1.02
        image, mask = (
            Image.new("RGB", (width, height), (50, 50, 50)),
            Image.new("1", (width, height)),
        )
        car = (width // 4, height // 3, width * 2 // 3, height * 3 // 4)
        image.paste((200, 200, 200), car)
        mask.paste(1, car)
        pixels, target = vary(image, mask, dice)
        assert pixels.shape == (SIDE, SIDE, 3)
        assert target.shape == (SIDE, SIDE)
        likeness.append(np.corrcoef(pixels.mean(axis=2).ravel(), target.ravel())[0, 1])
    assert np.median(likeness) > 0.85


def test_the_same_seed_shows_the_same_pictures() -> None:
    one, two = training_batches(1, 8, pool=16), training_batches(1, 8, pool=16)
    for _ in range(4):
        (a, mask), (b, again) = next(one), next(two)
        assert np.array_equal(a, b)
        assert np.array_equal(mask, again)
    assert a.shape == (8, SIDE, SIDE, 3)
    assert mask.shape == (8, SIDE, SIDE)


def test_a_wrong_mask_costs_more_and_a_small_car_no_less() -> None:
    small, none = torch.zeros(1, 64, 64), torch.zeros(1, 64, 64)
    small[0, 30:34, 30:34] = 1
    right = torch.stack((-small, small), 1) * 16 - torch.tensor([0.0, 8.0]).view(1, 2, 1, 1)
    empty = torch.stack((none, none - 8), 1)
    assert mask_loss(right, small) < 0.1
    assert mask_loss(empty, none) < 0.1
    assert mask_loss(empty, small) > 0.2  # 16 pixels of 4,096: the mean alone would be 0.03
    assert mask_loss(-empty, none) > 1.5


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step learns from a quarter of the scenes that a real training draws for it."""
    monkeypatch.setattr(train, "TRAINING_BATCH", 12)


@pytest.mark.usefixtures("small_batches")
def test_training_learns_and_the_same_seed_learns_the_same() -> None:
    one, two = MaskTrainer(3, 40), MaskTrainer(3, 40)
    losses = [one.step(number) for number in range(4)]
    assert two.step(0) == pytest.approx(losses[0], rel=1e-4)
    assert losses[3] < losses[0]


@pytest.mark.usefixtures("small_batches")
def test_the_command_trains_and_writes_weights_that_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train.main(["--steps", "2", "--out", str(tmp_path / "new")])
    path = tmp_path / "new" / MASK_WEIGHTS.name
    assert sorted(each.name for each in path.parent.iterdir()) == [
        MASK_WEIGHTS.name,
        f"{MASK_WEIGHTS.name}.sha256",
    ]
    assert path.stat().st_size == MASK_WEIGHTS.stat().st_size
    with torch.inference_mode():
        assert load_network(path)(torch.zeros(1, 3, SIDE, SIDE)).isfinite().all()
    assert "core-minutes, scenes included" in capsys.readouterr().err


def test_training_never_paints_a_scene_of_the_evaluation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert LAST_SEED * SEED_STRIDE < EVALUATION_SEED
    assert STEPS * TRAINING_BATCH < SEED_STRIDE
    with pytest.raises(SystemExit):
        train.main(["--seed", str(LAST_SEED)])
    assert "those that the model is evaluated on" in capsys.readouterr().err


def test_the_command_measures_into_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = tmp_path / "card.md"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    evaluate.main(["--count", "50", "--card", str(card)])
    text = card.read_text()
    assert text.startswith(f"before\n{BEGIN}\n50 scenes from seed {EVALUATION_SEED} on")
    assert text.endswith(f"{END}\nafter\n")
    assert "old" not in text
    assert text.count("| 0.85 | yes |") == 2
    assert capsys.readouterr().out.strip() in text


def test_the_table_says_what_is_not_reached() -> None:
    torch.manual_seed(0)
    untrained = find_cars(MaskNetwork().eval(), EVALUATION_SEED, 50)
    assert measured(untrained).count("| 0.85 | NO |") == 2


def test_too_few_scenes_are_refused(network: nn.Module, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageMistakeError, match="measure on 50 or more"):
        measured(find_cars(network, EVALUATION_SEED, 1))
    with pytest.raises(SystemExit):
        evaluate.main(["--count", "0"])
    assert "--count is 0" in capsys.readouterr().err


def test_overlaps_are_those_of_the_masks() -> None:
    ones = np.array([30, 0]), np.array([40, 10]), np.array([0.5, 0.1])
    two = MaskScores(*ones, np.array([True, False]), 1.0)
    assert two.pooled == 30 / 50
    assert two.overlaps.tolist() == [0.75]


def test_the_card_says_what_ships() -> None:
    text = CARD.read_text()
    digest = MASK_WEIGHTS.with_name(f"{MASK_WEIGHTS.name}.sha256").read_text().split()[0]
    assert digest in text, "measure again after training: the card is of other weights"
    assert f"{MASK_WEIGHTS.stat().st_size / 1e6:.1f} MB" in text
    assert text.count("| 0.85 | yes |") == 2
    assert f"{SCENE_SIZE[0]} x {SCENE_SIZE[1]}" in text
