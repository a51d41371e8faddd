"""A trained network on disk: it gives what it gave, and nothing else is loaded in its place."""

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from embeddings.registry import ModelError, ModelSpec
from embeddings.training.card import CARD, HEAD_WEIGHTS, WEIGHTS, load_trained, store_trained
from embeddings.training.loop import Epoch
from embeddings.training.siamese import Trained
from embeddings.vision.features import Features
from embeddings.vision.networks import ImageNetwork, torchvision_models
from tests.embeddings.training.small import PREPROCESS, SETTINGS, tinted_photos

SPEC = ModelSpec("torchvision:squeezenet1_1")
BEST = Epoch(1, 2.5, 0.75, "features max", 40, 1.0)


def trained(head: torch.nn.Linear | None = None) -> Trained:
    torch.manual_seed(3)
    module = torchvision_models().get_model("squeezenet1_1", weights=None).eval()
    module.classifier = torch.nn.Identity()
    network = ImageNetwork(module, PREPROCESS | {"size": 64})
    features = Features(("features",), "max")
    return Trained(network, features, head, SETTINGS, (BEST,), BEST, {"photos_trained": 40}, "ab")


def stored(one: Trained, folder: Path) -> None:
    data = {"licenses": {"CC BY 4.0": 40}}
    metrics = {"recall@1": {"mean": 0.6, "low": 0.5, "high": 0.7, "questions": 18}}
    assert store_trained(one, folder, SPEC, data=data, metrics=metrics) == folder / CARD


PICTURES = np.repeat(np.repeat(tinted_photos(2, 2).pictures, 2, axis=1), 2, axis=2)


@pytest.mark.parametrize("head", [None, torch.nn.Linear(512, 24)])
def test_a_loaded_network_gives_the_vectors_that_it_gave(
    head: torch.nn.Linear | None, tmp_path: Path
) -> None:
    one = trained(head)
    stored(one, tmp_path)
    loaded = load_trained(tmp_path)
    vectors = loaded.embed(PICTURES)
    assert vectors.shape == (4, loaded.card["size"]) == (4, 24 if head else 512)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert np.array_equal(vectors, one.embed(PICTURES))


def test_the_card_says_what_a_stranger_asks(tmp_path: Path) -> None:
    stored(trained(), tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    assert card["network"] == SPEC.name
    assert (card["layers"], card["pooling"], card["size"]) == (["features"], "max", 512)
    assert card["metric"] == "cosine"
    assert card["seed"] == SETTINGS.seed
    assert card["settings"]["loss"] == "proxy_anchor"
    assert card["data"] == {"photos_trained": 40, "licenses": {"CC BY 4.0": 40}}
    assert card["metrics"]["recall@1"]["questions"] == 18
    assert card["validation"]["recall_at_1"] == 0.75
    assert card["epochs"][0]["loss"] == 2.5


def test_a_loss_before_training_is_null_and_not_what_json_cannot_say(tmp_path: Path) -> None:
    stored(replace(trained(), epochs=(replace(BEST, number=0, loss=float("nan")),)), tmp_path)
    assert "NaN" not in (tmp_path / CARD).read_text()


def test_a_truncated_file_a_pickle_and_wrong_shapes_are_refused(tmp_path: Path) -> None:
    stored(trained(torch.nn.Linear(512, 24)), tmp_path)
    for name in (WEIGHTS, HEAD_WEIGHTS):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ModelError, match="cannot be read as weights"):
            load_trained(tmp_path)
        (tmp_path / name).write_bytes(pickle.dumps({"features.0.weight": 1}))
        with pytest.raises(ModelError, match="cannot be read as weights"):
            load_trained(tmp_path)
        state = load_file_from(whole, tmp_path)
        save_file({key: value[..., None] for key, value in state.items()}, tmp_path / name)
        with pytest.raises(ModelError, match=r"does not (fit|hold)"):
            load_trained(tmp_path)
        (tmp_path / name).write_bytes(whole)


def load_file_from(content: bytes, folder: Path) -> dict[str, torch.Tensor]:
    (folder / "copy.safetensors").write_bytes(content)
    return load_file(folder / "copy.safetensors")


def test_other_weights_that_fit_are_refused_too(tmp_path: Path) -> None:
    stored(trained(), tmp_path)
    state = load_file_from((tmp_path / WEIGHTS).read_bytes(), tmp_path)
    save_file({name: value * 2 for name, value in state.items()}, tmp_path / WEIGHTS)
    with pytest.raises(ModelError, match="not the file that its card was written for"):
        load_trained(tmp_path)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no trained network"):
        load_trained(tmp_path)
    (tmp_path / CARD).write_text("[1]")
    with pytest.raises(ModelError, match="holds no trained network"):
        load_trained(tmp_path)
