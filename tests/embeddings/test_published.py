"""A file of weights names no tag: it is run as all tags of its architecture are, or not at all."""

import json
from pathlib import Path

import numpy as np
import open_clip
import pytest
from open_clip.constants import IMAGENET_MEAN, INCEPTION_MEAN, INCEPTION_STD

from embeddings import known
from embeddings.clip import load_encoder
from embeddings.known import load_known, store_known
from embeddings.openclip import CONFIG_FILE
from embeddings.published import PREPROCESS_KEYS, doubt_of, pretrained_facts
from embeddings.registry import ModelError, ModelSpec
from tests.embeddings.small import NAME, register, save_folder, save_weights, small_config

SQUASHED = {"mean": INCEPTION_MEAN, "std": INCEPTION_STD, "resize_mode": "squash"}


@pytest.fixture(autouse=True)
def _anew() -> None:
    load_encoder.cache_clear()


def test_every_published_architecture_is_run_as_its_tags_agree() -> None:
    refused = set()
    for name in sorted({name for name, _ in open_clip.list_pretrained()}):
        tags = open_clip.list_pretrained_tags_by_model(name)
        facts = [open_clip.get_pretrained_cfg(name, tag) for tag in tags]
        ways = [{key: each[key] for key in PREPROCESS_KEYS} for each in facts]
        if all(way == ways[0] for way in ways):
            found = pretrained_facts(ModelSpec(name, "w.pt"))
            assert json.dumps({key: found[key] for key in ways[0]}) == json.dumps(ways[0])
        else:
            refused.add(name)
            with pytest.raises(ModelError) as caught:
                pretrained_facts(ModelSpec(name, "w.pt"))
            assert all(tag in str(caught.value) for tag in (*tags, f"{name}/TAG"))
    assert refused >= {"ViT-L-14", "ViT-H-14"}


def test_families_that_are_not_prepared_as_openais() -> None:
    siglip = pretrained_facts(ModelSpec("ViT-B-16-SigLIP", "w.pt"))
    assert (siglip["mean"], siglip["std"]) == ([0.5] * 3, [0.5] * 3)
    assert siglip["resize_mode"] == "squash"
    mobile = pretrained_facts(ModelSpec("MobileCLIP-S1", "w.pt"))
    assert (mobile["mean"], mobile["std"]) == ([0.0] * 3, [1.0] * 3)
    assert mobile["interpolation"] == "bilinear"
    assert pretrained_facts(ModelSpec("ViT-L-14-CLIPA", "w.pt"))["mean"] == list(IMAGENET_MEAN)


def test_a_file_is_prepared_as_all_tags_and_its_record_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    file = save_weights(tmp_path / "w.safetensors")
    plain = load_encoder(ModelSpec(NAME, str(file)), "cpu").record
    register(monkeypatch, tags={"one": SQUASHED, "two": SQUASHED})
    load_encoder.cache_clear()
    encoder = load_encoder(ModelSpec(NAME, str(file)), "cpu")
    assert encoder.record.preprocess["mean"] == [0.5] * 3
    assert encoder.record.preprocess["resize_mode"] == encoder.preparation.resize_mode == "squash"
    assert encoder.preparation.mean == (0.5, 0.5, 0.5)
    assert encoder.record.weights_sha256 == plain.weights_sha256
    assert encoder.record.version != plain.version

    register(monkeypatch, tags={"one": SQUASHED, "two": SQUASHED | {"interpolation": "bilinear"}})
    load_encoder.cache_clear()
    with pytest.raises(ModelError, match=r"one with interpolation bicubic; two with .*bilinear"):
        load_encoder(ModelSpec(NAME, str(file)), "cpu")
    two = load_encoder(ModelSpec(f"{NAME}/two", str(file)), "cpu").record
    assert two.preprocess["interpolation"] == "bilinear"


def test_the_activation_is_the_one_of_all_tags_or_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenes: list[bytes]
) -> None:
    quick = {"quick_gelu": True}
    register(monkeypatch, tags={"one": {}, "two": quick})
    register(monkeypatch, small_config() | quick, {"two": quick}, f"{NAME}-quickgelu")
    spec = ModelSpec(NAME, str(save_weights(tmp_path / "w.pt")))
    mixed = load_encoder(spec, "cpu")
    assert "the tags two need QuickGELU" in (doubt_of(spec) or "")
    assert f"name {NAME}-quickgelu" in (doubt_of(spec) or "")
    named = load_encoder(ModelSpec(f"{NAME}-quickgelu", spec.weights), "cpu")
    assert doubt_of(named.record.spec) is None

    register(monkeypatch, tags={"two": quick, "three": quick})
    load_encoder.cache_clear()
    agreed = load_encoder(spec, "cpu")
    assert doubt_of(spec) is None
    assert agreed.record.weights_sha256 == mixed.record.weights_sha256
    assert agreed.record.version != mixed.record.version
    vectors = [each.encode_pictures(scenes[:2]) for each in (mixed, named, agreed)]
    assert np.array_equal(vectors[1], vectors[2])
    assert not np.allclose(vectors[0], vectors[2])


def test_a_folder_that_says_nothing_of_preprocessing_is_its_architecture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, tags={"one": SQUASHED})
    said = {"mean": [0.1] * 3, "std": [0.2] * 3}
    for name, document in {
        "silent": {},
        "empty": {"preprocess_cfg": {}},
        "own": {"preprocess_cfg": said},
    }.items():
        folder = save_folder(tmp_path / name, {"model_cfg": small_config()} | document)
        found = load_encoder(ModelSpec(f"local-dir:{folder}"), "cpu").record.preprocess
        wanted = said if name == "own" else SQUASHED
        assert {key: found[key] for key in wanted} == {
            key: list(value) if isinstance(value, tuple) else value for key, value in wanted.items()
        }
    register(monkeypatch, tags={"one": SQUASHED, "two": {}})
    load_encoder.cache_clear()
    with pytest.raises(ModelError, match="write mean, std, interpolation and resize_mode"):
        load_encoder(ModelSpec(f"local-dir:{tmp_path / 'silent'}"), "cpu")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        "[" * 100_000,
        '{"model_cfg": []}',
        '{"model_cfg": {}, "preprocess_cfg": 7}',
    ],
    ids=["cut off", "list", "null", "deep", "network", "preprocessing"],
)
def test_a_folder_whose_config_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    register(monkeypatch)
    folder = save_folder(tmp_path / "model", {"model_cfg": small_config()})
    (folder / CONFIG_FILE).write_text(text)
    with pytest.raises(ModelError, match=rf"{CONFIG_FILE} of .*model' is not a config of a model"):
        load_encoder(ModelSpec(f"local-dir:{folder}"), "cpu")


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
def test_weights_of_another_size_of_pictures_or_texts_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """open_clip stretches them to the architecture's size without a word."""
    register(monkeypatch)
    larger = small_config()
    larger["vision_cfg"]["image_size"] = 64
    register(monkeypatch, larger, name=f"{NAME}-64")
    register(monkeypatch, small_config(context_length=20), name="longer")
    file = save_weights(tmp_path / f"64{suffix}", f"{NAME}-64")
    with pytest.raises(ModelError, match=f"pictures of 64 pixels, .* 32 pixels: name it {NAME}-64"):
        load_encoder(ModelSpec(NAME, str(file)), "cpu")
    load_encoder(ModelSpec(f"{NAME}-64", str(file)), "cpu")
    texts = save_weights(tmp_path / f"longer{suffix}", "longer")
    with pytest.raises(ModelError, match="texts of 20 tokens, and small-vit takes 12: name the"):
        load_encoder(ModelSpec(NAME, str(texts)), "cpu")


def test_a_record_of_older_rules_is_not_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a model whose preprocessing was mended would still pass for the old one."""
    register(monkeypatch)
    record = load_encoder(ModelSpec(NAME, str(save_weights(tmp_path / "w.pt"))), "cpu").record
    store_known(tmp_path, record)
    assert load_known(tmp_path, record.spec) == record
    monkeypatch.setattr(known, "_RULES", known._RULES + 1)
    assert load_known(tmp_path, record.spec) is None
