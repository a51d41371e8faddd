"""Training: what it reaches, that it can be interrupted, and what stops it."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from embeddings.registry import ModelError
from embeddings.training.loop import CHECKPOINT, Epoch, TrainingError
from embeddings.training.siamese import (
    ClassPhotos,
    Trained,
    balanced_batches,
    pooled_vectors,
    recall_at_1,
    train_siamese,
)
from embeddings.vision.features import FeatureNetwork, Features
from search.evaluation.metrics import Photos, measure_retrieval
from tests.embeddings.training.small import PREPROCESS, SETTINGS, small_network, tinted_photos


class _KilledError(Exception):
    pass


def weights_of(trained: Trained) -> dict[str, torch.Tensor]:
    return trained.network.module.state_dict()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_siamese(
        small_network(), tinted_photos(), SETTINGS, tmp_path_factory.mktemp("whole")
    )


def test_a_training_finds_more_on_classes_it_never_saw(undisturbed: Trained) -> None:
    before = undisturbed.epochs[0]
    assert before.number == 0
    assert undisturbed.best.score > before.score > 0.5
    assert undisturbed.best.number > 0
    assert undisturbed.counts["classes_trained"] == 7
    assert undisturbed.counts["photos_judged"] == 90


@pytest.mark.parametrize("after", [0, 1, 2])
def test_an_interrupted_training_ends_in_the_same_weights(
    undisturbed: Trained, tmp_path: Path, after: int
) -> None:
    def kill(epoch: Epoch) -> None:
        if epoch.number == after:
            raise _KilledError

    with pytest.raises(_KilledError):
        train_siamese(small_network(), tinted_photos(), SETTINGS, tmp_path, kill)
    resumed = train_siamese(small_network(), tinted_photos(), SETTINGS, tmp_path)
    assert [each.score for each in resumed.epochs] == [each.score for each in undisturbed.epochs]
    assert resumed.best.chosen == undisturbed.best.chosen
    for name, value in weights_of(undisturbed).items():
        assert torch.equal(value, weights_of(resumed)[name]), name


def test_a_training_on_all_classes_follows_and_may_be_interrupted_too(
    undisturbed: Trained, tmp_path: Path
) -> None:
    settings, seen = replace(SETTINGS, refit=True), list[Epoch]()

    def kill(epoch: Epoch) -> None:
        seen.append(epoch)
        if len(seen) == SETTINGS.epochs + 3:  # epoch 0 twice, and one of the second training
            raise _KilledError

    whole = train_siamese(small_network(), tinted_photos(), settings, tmp_path / "whole")
    assert whole.best.number == undisturbed.best.number, "chosen as without the second training"
    assert whole.best.chosen == undisturbed.best.chosen
    assert whole.counts["classes_trained"] == 10
    with pytest.raises(_KilledError):
        train_siamese(small_network(), tinted_photos(), settings, tmp_path / "killed", kill)
    resumed = train_siamese(small_network(), tinted_photos(), settings, tmp_path / "killed")
    for name, value in weights_of(whole).items():
        assert torch.equal(value, weights_of(resumed)[name]), name
    assert not torch.equal(
        weights_of(whole)["stage3.0.weight"], weights_of(undisturbed)["stage3.0.weight"]
    )


def test_the_weights_follow_from_the_seed(undisturbed: Trained, tmp_path: Path) -> None:
    other = train_siamese(small_network(), tinted_photos(), replace(SETTINGS, seed=1), tmp_path)
    name = "stage3.0.weight"
    assert not torch.equal(weights_of(other)[name], weights_of(undisturbed)[name])


def test_what_is_frozen_stays_as_it_was(undisturbed: Trained) -> None:
    pictures = torch.randn(2, 3, 32, 32)
    before, after = small_network().module, undisturbed.network.module
    with torch.inference_mode():
        assert torch.allclose(
            before.get_submodule("stage1")(pictures), after.get_submodule("stage1")(pictures),
            atol=1e-5,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "mining"),
    [("triplet", "semihard"), ("triplet", "hard"), ("normalized_softmax", "hard")],
)
def test_every_loss_can_be_trained_with(loss: str, mining: str, tmp_path: Path) -> None:
    settings = replace(SETTINGS, loss=loss, mining=mining, epochs=1)
    trained = train_siamese(small_network(), tinted_photos(), settings, tmp_path)
    assert np.isfinite(trained.epochs[1].loss)


def test_what_was_chosen_gives_the_vectors_that_it_was_chosen_by(undisturbed: Trained) -> None:
    network, pictures = undisturbed.network, tinted_photos(2, 3).pictures
    features = FeatureNetwork(network.module, Features(("stage2", "stage3"), "both"))
    found = pooled_vectors(features, pictures, PREPROCESS)
    assert {*found} == {
        f"{layer} {pooling}"
        for layer in ("stage2", "stage3", "stage2+stage3")
        for pooling in ("mean", "max", "both")
    }
    for name, vectors in found.items():
        layers, pooling = name.split(" ")
        chosen = Features(tuple(layers.split("+")), pooling)
        again = replace(undisturbed, features=chosen, head=None).embed(pictures)
        assert np.allclose(again, vectors, atol=1e-5), name


def test_early_stopping_ends_a_training_that_finds_no_more(tmp_path: Path) -> None:
    settings = replace(SETTINGS, rate=0.0, proxy_rate=0.0, epochs=9, patience=2)
    trained = train_siamese(small_network(), tinted_photos(), settings, tmp_path)
    assert len(trained.epochs) == 3, "before training, and two epochs that were no better"
    assert trained.best.number == 0


def test_a_loss_that_is_no_number_stops_with_what_to_do(tmp_path: Path) -> None:
    settings = replace(SETTINGS, rate=1e30)
    with pytest.raises(TrainingError, match=r"step \d+ of epoch 1, .* lower rate \(it was 1e\+30"):
        train_siamese(small_network(), tinted_photos(), settings, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()


def test_a_class_with_one_photo_is_left_out_and_counted(tmp_path: Path) -> None:
    photos = tinted_photos()
    names = ["alone", *list(photos.classes)[1:]]
    trained = train_siamese(
        small_network(), replace(photos, classes=names), replace(SETTINGS, epochs=1), tmp_path
    )
    assert trained.counts["left_out_alone_in_class"] == 1
    assert trained.counts["photos_trained"] + trained.counts["photos_judged"] == 299


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (["a"] * 8, "1 classes, and 1 of them with photos of two cars"),
        ([*"abcdefgh"], "8 classes, and 0 of them"),
        ([*"aabbccaa"], "3 classes .* train on two and judge by two others"),
    ],
)
def test_too_few_classes_are_an_error(classes: list[str], words: str, tmp_path: Path) -> None:
    photos = ClassPhotos(tinted_photos(8, 1).pictures, classes, range(8))
    with pytest.raises(TrainingError, match=words):
        train_siamese(small_network(), photos, SETTINGS, tmp_path)


def test_photos_that_cannot_judge_are_an_error(tmp_path: Path) -> None:
    photos = tinted_photos(6, 4)
    listings = np.repeat(np.arange(6), 4)  # each class is one listing: nothing else to find
    with pytest.raises(TrainingError, match="6 classes, and 0 of them with photos of two cars"):
        train_siamese(small_network(), replace(photos, groups=listings), SETTINGS, tmp_path)


def test_too_many_pictures_for_the_memory_are_an_error(tmp_path: Path) -> None:
    photos = tinted_photos(100, 10)
    with pytest.raises(TrainingError, match=r"1,000 pictures take 5 MB, and 1 MB .* at most 1\d\d"):
        train_siamese(small_network(), photos, replace(SETTINGS, most_mb=1), tmp_path)


def test_a_checkpoint_of_another_training_is_refused(undisturbed: Trained, tmp_path: Path) -> None:
    train_siamese(small_network(), tinted_photos(), replace(SETTINGS, epochs=1), tmp_path)
    with pytest.raises(TrainingError, match="of another training"):
        train_siamese(small_network(), tinted_photos(seed=5), replace(SETTINGS, epochs=1), tmp_path)
    with pytest.raises(TrainingError, match="of another training"):
        train_siamese(small_network(), tinted_photos(), SETTINGS, tmp_path)
    place = tmp_path / CHECKPOINT
    place.write_bytes(place.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"cannot be read .* delete it to begin again"):
        train_siamese(small_network(), tinted_photos(), SETTINGS, tmp_path)


def test_a_layer_that_is_not_there_is_named(tmp_path: Path) -> None:
    settings = replace(SETTINGS, frozen_through="stage9")
    with pytest.raises(ModelError, match=r"no layer 'stage9' .* stage1"):
        train_siamese(small_network(), tinted_photos(), settings, tmp_path)


def test_pictures_without_classes_are_refused(tmp_path: Path) -> None:
    photos = replace(tinted_photos(), classes=["a", "b"])
    with pytest.raises(TrainingError, match="300 pictures came with 2 classes"):
        train_siamese(small_network(), photos, SETTINGS, tmp_path)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=12), st.integers(1, 8), st.integers(1, 5))
def test_batches_are_balanced(counts: list[int], classes: int, photos: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    for rows in balanced_batches(labels, classes, photos, np.random.default_rng(0)):
        seen = Counter(labels[rows].tolist())
        assert set(seen.values()) == {photos}
        assert len(seen) == min(classes, len(counts))
        enough = {label for label in seen if counts[label] >= photos}
        twice = [row for row, times in Counter(rows.tolist()).items() if times > 1]
        assert not enough & set(labels[twice].tolist())


@given(st.integers(0, 1000))
def test_the_validation_counts_as_the_metrics_of_searches_do(seed: int) -> None:
    draw = np.random.default_rng(seed)
    classes, groups = np.repeat(np.arange(6), 4), draw.integers(0, 20, 24)
    vectors = draw.normal(size=(24, 4)).astype(np.float32)
    photos = Photos(vectors, [str(each) for each in classes], [str(each) for each in groups])
    expected = measure_retrieval(photos, ks=(1,)).recall[1].mean
    assert recall_at_1(vectors, classes, groups) == pytest.approx(expected)
