"""Weights of segmentation networks: files of any kind, and the published ones over HTTP."""

import hashlib
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from embeddings.registry import ModelError
from embeddings.vision import weights as vision_weights
from labeling import masks
from labeling.segment import load_segmenter
from labeling.segmenter_weights import published_weights
from labeling.segmenters import DEFAULT_SEGMENTER, SEGMENTERS
from tests.embeddings.hub import REPO, Hub, serving
from tests.labeling.segmenting import NAME, random_network

State = dict[str, torch.Tensor]


@pytest.fixture(scope="module")
def state() -> State:
    held: State = random_network().state_dict()
    return {key: each.contiguous() for key, each in held.items()}


@pytest.fixture
def save(tmp_path: Path, state: State) -> Callable[..., Path]:
    def run(name: str, held: Any = None) -> Path:
        path = tmp_path / name
        held = state if held is None else held
        save_file(held, path) if path.suffix == ".safetensors" else torch.save(held, path)
        return path

    return run


def test_the_same_weights_have_the_same_version_whatever_file_they_came_in(
    save: Callable[..., Path], state: State
) -> None:
    first = load_segmenter(NAME, save("a.pth"), "cpu")
    assert re.fullmatch(rf"{NAME}@[0-9a-f]{{12}}", first.version)
    alike = {key: each for key, each in state.items() if not key.startswith("aux_classifier.")}
    for path in (save("b.safetensors"), save("without the second head.pth", alike)):
        assert load_segmenter(NAME, path, "cpu").version == first.version
    assert load_segmenter(NAME, save("a.pth"), "cpu", "bf16").version == first.version
    changed = {key: each.clone() for key, each in state.items()}
    changed["classifier.4.bias"][7] += 1
    assert load_segmenter(NAME, save("c.pth", changed), "cpu").version != first.version


class Code:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def _no_numbers(state: State) -> State:
    damaged = {key: each.clone() for key, each in state.items()}
    damaged["backbone.4.block.1.0.weight"].view(-1)[3] = torch.nan
    return damaged


def _seven_classes(state: State) -> State:
    return {
        key: each[:7] if key.startswith("classifier.4") else each for key, each in state.items()
    }


@pytest.mark.parametrize(
    ("name", "held", "said"),
    [
        ("nan.pth", _no_numbers, "'nan.pth' is damaged: 'backbone.4.block.1.0.weight' holds"),
        ("seven.pth", _seven_classes, f"does not fit '{NAME}' .*classifier.4.weight"),
        ("resnet.pth", lambda _: {"conv1.weight": torch.zeros(3)}, f"does not fit '{NAME}'"),
        ("tensor.pth", lambda _: torch.zeros(3), "holds more than the weights of one network"),
        ("training.pth", lambda state: {"model": state, "epoch": 3}, "holds more than the weights"),
        ("numbered.pth", lambda _: {1: torch.zeros(3)}, "holds more than the weights"),
    ],
)
def test_weights_that_are_none_of_this_network_are_refused(
    save: Callable[..., Path],
    state: State,
    name: str,
    held: Callable[[State], Any],
    said: str,
) -> None:
    with pytest.raises(ModelError, match=said) as refused:
        load_segmenter(NAME, save(name, held(state)), "cpu")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["cut.pth", "cut.safetensors"])
@pytest.mark.parametrize("part", [0.0, 0.001, 0.5, 0.999])
def test_a_file_that_ends_early_is_refused(
    save: Callable[..., Path], name: str, part: float
) -> None:
    path = save(name)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(
        ModelError, match=f"'{name}'.*MARQUE_SEGMENTER={masks.MASK_MODEL}"
    ) as refused:
        load_segmenter(NAME, path, "cpu")
    assert "\n" not in str(refused.value)


def test_code_in_a_file_is_not_run(tmp_path: Path, save: Callable[..., Path]) -> None:
    mark = tmp_path / "it ran"
    plain = tmp_path / "plain.pth"
    plain.write_bytes(pickle.dumps(Code(mark), protocol=2))
    for path in (save("code.pth", {"weight": Code(mark)}), plain):
        with pytest.raises(ModelError, match=f"'{path.name}'.*would run what is in it"):
            load_segmenter(NAME, path, "cpu")
    assert not mark.exists()


def test_what_cannot_be_loaded_is_said(tmp_path: Path, save: Callable[..., Path]) -> None:
    with pytest.raises(ModelError, match=f"no segmenter 'deeplab'.*{', '.join(SEGMENTERS)}"):
        load_segmenter("deeplab")
    with pytest.raises(ModelError, match=r"no weights file .*absent.pth.*MARQUE_SEGMENTER"):
        load_segmenter(NAME, tmp_path / "absent.pth")
    with pytest.raises(ModelError, match="precision 'fp8' is not known; use one of fp32, bf16"):
        load_segmenter(NAME, None, "cpu", "fp8")
    with pytest.raises(ModelError, match=r"'abacus' cannot be used here.*MARQUE_DEVICE=auto"):
        load_segmenter(NAME, save("a.pth"), "abacus")
    with pytest.raises(ModelError, match="brings its own weights"):
        load_segmenter(masks.MASK_MODEL, save("a.pth"), "cpu")


@pytest.fixture
def published(
    tmp_path: Path, save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Hub]:
    """torchvision's record of the weights, naming a server of ours; its cache is empty."""
    file = save("weights.pth")
    folder = tmp_path / "served"
    folder.mkdir()
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    file = file.rename(folder / f"{NAME}-{digest[:8]}.pth")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    load_segmenter.cache_clear()
    with serving(folder) as hub:
        url = f"{hub.url}/{REPO}/resolve/main/{file.name}"
        monkeypatch.setattr(published_weights(NAME).value, "url", url)
        yield hub
    load_segmenter.cache_clear()


def _cache(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "torch").rglob("*.p*"))


def test_published_weights_are_downloaded_once(
    published: Hub, tmp_path: Path, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    first = load_segmenter(NAME, None, "cpu")
    assert len([each for each in published.asked if each.startswith("GET")]) == 1
    assert capsys.readouterr().out == ""  # where a command prints one JSON document
    (file,) = _cache(tmp_path)
    load_segmenter.cache_clear()
    published.asked.clear()
    again = load_segmenter(NAME, None, "cpu")
    assert published.asked == []
    assert again.version == first.version == load_segmenter(NAME, file, "cpu").version


def test_a_copy_that_was_damaged_is_refused(published: Hub, tmp_path: Path) -> None:
    load_segmenter(NAME, None, "cpu")
    (file,) = _cache(tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    load_segmenter.cache_clear()
    with pytest.raises(ModelError, match=rf"{file.name}.*is damaged.*{file.stem[-8:]}; delete it"):
        load_segmenter(NAME, None, "cpu")
    file.unlink()
    load_segmenter(NAME, None, "cpu")


@pytest.mark.parametrize("way", ["altered", "truncated", "hangs", "absent"])
def test_a_download_that_fails_leaves_nothing_and_names_the_ways_on(
    published: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    monkeypatch.setattr(vision_weights, "DOWNLOAD_PROBE_SECONDS", 0.5)
    if way == "absent":
        next(published.folder.iterdir()).unlink()
    else:
        published.way = way
    with pytest.raises(ModelError) as refused:
        load_segmenter(NAME, None, "cpu")
    said = str(refused.value)
    assert "\n" not in said
    for each in (published.url, "MARQUE_SEGMENTER_WEIGHTS", f"MARQUE_SEGMENTER={masks.MASK_MODEL}"):
        assert each in said
    assert _cache(tmp_path) == []


def test_without_internet_the_default_names_the_ways_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    record = published_weights(DEFAULT_SEGMENTER).value
    nowhere = f"http://127.0.0.1:9/{Path(record.url).name}"  # where nobody listens
    monkeypatch.setattr(record, "url", nowhere)
    with pytest.raises(ModelError, match=r"deeplabv3_resnet101_coco-\w{8}.pth into") as refused:
        load_segmenter(DEFAULT_SEGMENTER, None, "cpu")
    assert "Connection refused" in str(refused.value)
    assert f"MARQUE_SEGMENTER={masks.MASK_MODEL}" in str(refused.value)
