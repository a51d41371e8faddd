"""marque-tiny: its files, its way through open_clip's factory, and what it understands."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from crawlers.scenes import draw_labels
from crawlers.scenes.dice import Dice
from embeddings.tiny import CONFIG_DIR, NAME, WEIGHTS
from embeddings.tiny.captions import VALUES, draw_caption, facts_of, fits
from embeddings.tiny.evaluate import store_table
from embeddings.tiny.measure import Model, Sample, sample_scenes, zero_shot
from embeddings.tiny.scenes import EVALUATION_SEED, is_withheld, training_batches
from embeddings.tiny.train import Trainer, contrastive_loss, store_weights

FLOORS = {"color": 0.95, "body_type": 0.85, "background": 0.93, "view": 0.98}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def sample(model: Model) -> Sample:
    return sample_scenes(model, EVALUATION_SEED + 50_000, 400)


def test_the_files_are_small() -> None:
    config = CONFIG_DIR / f"{NAME}.json"
    assert WEIGHTS.stat().st_size + config.stat().st_size <= 12_000_000


def test_naming_the_model_imports_no_torch() -> None:
    code = "import sys, embeddings.tiny as t; t.WEIGHTS; print('torch' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_open_clip_loads_it_with_its_own_preprocessing(model: Model) -> None:
    config = model.model.visual.preprocess_cfg
    assert config["size"] in (96, (96, 96))
    assert config["resize_mode"] == "shortest"
    assert model.embed_texts(["a red car"]).shape == (1, 512)
    assert model.tokenizer(["a red car"]).shape == (1, 32)


@pytest.mark.parametrize("name", list(FLOORS))
def test_it_tells_what_unseen_scenes_show(model: Model, sample: Sample, name: str) -> None:
    assert zero_shot(model, sample, name).mean() >= FLOORS[name]


def test_the_first_answers_to_a_question_fit(model: Model, sample: Sample) -> None:
    """Over all colours: of the first five photos for "a red car", most are red."""
    right = []
    for i, color in enumerate(VALUES["color"]):
        (query,) = model.embed_texts([f"a photo of a {color} car"])
        first = np.argsort(-(sample.vectors @ query))[:5]
        right.append((sample.facts[first, 0] == i).mean())
    assert np.mean(right) >= 0.8


def test_vectors_do_not_depend_on_the_batch(model: Model, sample: Sample) -> None:
    few = sample_scenes(model, EVALUATION_SEED + 50_000, 3)
    assert np.allclose(few.vectors, sample.vectors[:3], atol=1e-4)


def test_captions_fit_the_photo_they_were_drawn_for() -> None:
    dice = Dice(5)
    facts = np.array([facts_of(draw_labels(seed)) for seed in range(300)])
    captions = [draw_caption(row.tolist(), dice) for row in facts]
    table = fits(captions, facts)
    assert table.diagonal().all()
    assert table.mean() < 0.5
    for caption in captions:
        assert "{" not in caption.text
        for color in VALUES["color"]:
            if f"{color} " in caption.text and color != "gold":
                index = VALUES["color"].index(color)
                assert (0, index) in caption.wants, caption


def test_training_sees_the_same_scenes_again_and_none_that_are_withheld() -> None:
    one, two = training_batches(1, 24), training_batches(1, 24)
    for _ in range(2):
        (a, rows), (b, again) = next(one), next(two)
        assert np.array_equal(a, b)
        assert np.array_equal(rows, again)
    assert a.shape == (24, 96, 96, 3)
    share = np.mean([is_withheld(draw_labels(s, view="exterior")) for s in range(4000)])
    assert 0.15 < share < 0.25


def test_training_goes_on_from_weights_that_know_more_than_fresh_ones() -> None:
    assert Trainer(3, 10, WEIGHTS).step(0) < 0.6 * Trainer(3, 10).step(0)


def test_a_caption_pulls_every_photo_that_it_fits() -> None:
    positive = torch.tensor([[True, True, False], [False, False, True]])
    both = torch.tensor([[4.0, 4.0, 0.0], [0.0, 0.0, 4.0]])
    one = torch.tensor([[8.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
    assert contrastive_loss(both, positive) < contrastive_loss(one, positive)


def test_weights_are_written_whole(model: Model, tmp_path: Path) -> None:
    store_weights(model.model, tmp_path / WEIGHTS.name)
    assert [path.name for path in tmp_path.iterdir()] == [WEIGHTS.name]
    copy = Model(str(tmp_path / WEIGHTS.name))
    assert np.allclose(copy.embed_texts(["a van"]), model.embed_texts(["a van"]), atol=1e-3)


def test_the_table_goes_between_the_marks_of_the_card(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    store_table(card, "| new |")
    assert card.read_text() == (
        "before\n<!-- measured: begin -->\n| new |\n<!-- measured: end -->\nafter\n"
    )
    card.write_text("no marks")
    with pytest.raises(ValueError, match="has no lines"):
        store_table(card, "x")
