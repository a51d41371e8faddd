"""marque-tiny: its files, its way through open_clip's factory, and what it understands."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from embeddings.tiny import CONFIG_DIR, TINY, TINY_WEIGHTS
from synthetic.scenes import draw_labels
from synthetic.scenes.dice import Dice
from synthetic.tiny import train
from synthetic.tiny.captions import (
    FACT_COLUMNS,
    HELD_OUT_TEMPLATES,
    VALUES,
    class_prompts,
    draw_caption,
    encode_labels,
    fits,
)
from synthetic.tiny.evaluate import measured, store_table
from synthetic.tiny.learning import store_weights
from synthetic.tiny.measure import (
    Model,
    Sample,
    histogram_accuracy,
    precision_at_10,
    reworded_prompts,
    sample_scenes,
    zero_shot,
)
from synthetic.tiny.scenes import (
    EVALUATION_SEED,
    LAST_SEED,
    SEED_STRIDE,
    is_withheld,
    training_batches,
)
from synthetic.tiny.table import LIMITS, WANTED, Score, score_table
from synthetic.tiny.train import STEPS, TRAINING_BATCH, EmbeddingTrainer, contrastive_loss

FLOORS = {"color": 0.96, "body_type": 0.92, "background": 0.96, "view": 0.99}


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def sample(model: Model) -> Sample:
    return sample_scenes(model, EVALUATION_SEED + 50_000, 400)


def test_the_files_are_small() -> None:
    config = CONFIG_DIR / f"{TINY}.json"
    assert TINY_WEIGHTS.stat().st_size + config.stat().st_size <= 12_000_000


def test_naming_the_model_imports_no_torch() -> None:
    code = "import sys, embeddings.tiny as t; t.TINY_WEIGHTS; print('torch' in sys.modules)"
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
    """Over all colors: of the first five photos for "a red car", most are red."""
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
    facts = np.array([encode_labels(draw_labels(seed)) for seed in range(300)])
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


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step learns from a quarter of the scenes that a real training draws for it."""
    monkeypatch.setattr(train, "TRAINING_BATCH", 24)


@pytest.mark.usefixtures("small_batches")
def test_training_learns_and_the_same_seed_learns_the_same() -> None:
    one, two = EmbeddingTrainer(3, 40), EmbeddingTrainer(3, 40)
    losses = [one.step(number) for number in range(6)]
    assert [two.step(number) for number in range(2)] == pytest.approx(losses[:2], rel=1e-4)
    assert min(losses[3:]) < losses[0]


@pytest.mark.usefixtures("small_batches")
def test_the_command_trains_and_says_how_long_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train.main(["--steps", "1", "--out", str(tmp_path / "new")])
    assert (tmp_path / "new" / TINY_WEIGHTS.name).stat().st_size == TINY_WEIGHTS.stat().st_size
    assert (tmp_path / "new" / f"{TINY_WEIGHTS.name}.sha256").is_file()
    assert "core-minutes, scenes included" in capsys.readouterr().err


def test_training_never_paints_a_scene_of_the_evaluation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    last = LAST_SEED * SEED_STRIDE
    assert last <= EVALUATION_SEED // 2  # where the scenes of the color histograms begin
    assert STEPS * TRAINING_BATCH < SEED_STRIDE / 2  # a training's scenes, those withheld with them
    with pytest.raises(SystemExit):
        train.main(["--seed", str(LAST_SEED)])
    assert "those that the model is evaluated on" in capsys.readouterr().err


def test_a_caption_pulls_every_photo_that_it_fits() -> None:
    positive = torch.tensor([[True, True, False], [False, False, True]])
    both = torch.tensor([[4.0, 4.0, 0.0], [0.0, 0.0, 4.0]])
    one = torch.tensor([[8.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
    assert contrastive_loss(both, positive) < contrastive_loss(one, positive)


def test_weights_are_written_whole(model: Model, tmp_path: Path) -> None:
    store_weights(model.model, tmp_path / TINY_WEIGHTS.name)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [TINY_WEIGHTS.name, f"{TINY_WEIGHTS.name}.sha256"]
    copy = Model(str(tmp_path / TINY_WEIGHTS.name))
    assert np.allclose(copy.embed_texts(["a van"]), model.embed_texts(["a van"]), atol=1e-3)


@pytest.mark.parametrize("folder", [CONFIG_DIR, None])
def test_the_checksum_beside_the_weights_is_theirs(
    model: Model, folder: Path | None, tmp_path: Path
) -> None:
    """In the format of sha256sum: the digest, two spaces, the name without a folder."""
    if folder is None:
        store_weights(model.model, tmp_path / TINY_WEIGHTS.name)
    path = (folder or tmp_path) / TINY_WEIGHTS.name
    said = path.with_name(f"{path.name}.sha256").read_text()
    assert said == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def control(shown: NDArray[np.int64], seed: int) -> Sample:
    """Photos whose background is `shown`; a color of its own says it in half of them."""
    dice = np.random.default_rng(seed)
    facts = np.zeros((len(shown), 20), dtype=np.int64)
    facts[:, FACT_COLUMNS["background"]] = shown
    said = np.where(dice.random(len(shown)) < 0.5, shown, dice.integers(8, 216, len(shown)))
    histograms = np.eye(216, dtype=np.float32)[said]
    return Sample(histograms, facts, histograms, np.zeros(len(shown), dtype=bool))


def test_the_control_finds_what_colors_give_away_and_no_more() -> None:
    dice = np.random.default_rng(4)
    train_on, test_on = (control(dice.integers(0, 8, 1500), seed) for seed in (5, 6))
    # Half are told by their color, the rest by chance: one in eight.
    found = histogram_accuracy(train_on, test_on, "background")
    assert abs(found - (0.5 + 0.5 / 8)) < 0.05


def test_the_backgrounds_are_not_given_away_by_their_colors(model: Model, sample: Sample) -> None:
    more = sample_scenes(model, EVALUATION_SEED // 2 + 50_000, 400)
    for name, limit in LIMITS.items():
        assert histogram_accuracy(more, sample, name) < limit


def test_withheld_wordings_are_never_trained() -> None:
    dice = Dice(8)
    rows = [encode_labels(draw_labels(seed)) for seed in range(400)]
    trained = {draw_caption(row, dice).text for row in rows} | set(class_prompts(dice))
    starts = [template.split("{a}")[0] for template in HELD_OUT_TEMPLATES]
    assert not [text for text in trained if any(text.startswith(start) for start in starts)]
    for name in ("color", "body_type", "background"):
        for prompts, start in zip(reworded_prompts(name), starts, strict=True):
            assert len(prompts) == len(VALUES[name])
            assert all(text.startswith(start) for text in prompts)
    assert "we are looking for an orange car to buy" in reworded_prompts("color")[1]
    assert reworded_prompts("view") == []


def scores(value: float, alone: float) -> list[Score]:
    return [
        Score("color", 0.991, 0.95),
        Score("background", value, 0.97, 0.981, 0.972, 0.961, alone, LIMITS["background"]),
    ]


def test_the_table_says_of_each_wanted_number_whether_it_is_reached() -> None:
    good = score_table(scores(0.97, 0.699))
    assert "| color | 0.991 | 0.95 | yes | - | - | - | - | - | - |" in good
    row = "| background | 0.970 | 0.97 | yes | 0.981 | 0.972 | 0.961 | 0.699 | 0.70 | yes |"
    assert row in good
    assert "**Every wanted number is reached" in good


@pytest.mark.parametrize(
    ("value", "alone", "missed"),
    [
        (0.9699, 0.5, "background 0.9699 (wanted: 0.97)"),
        (0.98, 0.7, "background from colors alone 0.7000 (limit: 0.7)"),
    ],
)
def test_the_table_says_what_is_not_reached(value: float, alone: float, missed: str) -> None:
    text = score_table(scores(value, alone))
    assert f"**Not reached: {missed}.**" in text
    assert "| NO |" in text
    assert "Every wanted" not in text


def test_the_measured_page_has_all_that_was_wanted(model: Model, sample: Sample) -> None:
    often = Sample(*(np.repeat(part, 8, axis=0) for part in (
        sample.vectors, sample.facts, sample.histograms, sample.withheld)))  # fmt: skip
    text = measured(model, often, sample)
    for row in (*WANTED, "people: old", "precision@10"):
        assert f"| {row}" in text
    assert text.count("(wording withheld)") == len(HELD_OUT_TEMPLATES)


def test_too_few_photos_for_a_precision_are_said_so(model: Model, sample: Sample) -> None:
    with pytest.raises(ValueError, match="no pair of color and body type has ten photos"):
        precision_at_10(model, sample, "{}")


def test_the_card_has_the_table_of_these_weights() -> None:
    """A card that was not written again after a training would say what is no longer true."""
    card = (Path(__file__).parents[2] / "docs" / "marque-tiny.md").read_text()
    assert "**Every wanted number is reached" in card
    assert all(f"| {name}, zero-shot accuracy |" in card for name in WANTED)


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
