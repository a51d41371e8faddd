"""Files named as weights that are no such thing, or damaged: refused in one line, and not run."""

import copy
import gzip
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from embeddings.clip import load_encoder
from embeddings.registry import TINY, ModelError, ModelSpec
from embeddings.tiny import TINY_WEIGHTS
from embeddings.vision.weights import load_local

Maker = Callable[[Path], None]


def cut_archive(path: Path) -> None:
    torch.save({"state_dict": load_file(TINY_WEIGHTS)}, path)
    path.write_bytes(path.read_bytes()[:-1000])  # the list of its members is at the end


def cut_header(path: Path) -> None:
    whole = TINY_WEIGHTS.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    path.write_bytes(whole[: 8 + length // 2])


def huge_header(path: Path) -> None:
    path.write_bytes((2**62).to_bytes(8, "little") + TINY_WEIGHTS.read_bytes()[8:])


def a_layer_less(path: Path) -> None:
    weights = load_file(TINY_WEIGHTS)
    del weights[sorted(weights)[0]]
    save_file(weights, path)


def a_layer_more(path: Path) -> None:
    save_file(load_file(TINY_WEIGHTS) | {"visual.another.weight": torch.zeros(3)}, path)


def other_names(path: Path) -> None:
    save_file({f"backbone.{name}": each for name, each in load_file(TINY_WEIGHTS).items()}, path)


def no_numbers(path: Path) -> None:
    weights = load_file(TINY_WEIGHTS)
    name = max(weights, key=lambda each: weights[each].numel())
    weights[name].view(-1)[7] = float("nan")
    save_file(weights, path)


def endless(path: Path) -> None:
    weights = load_file(TINY_WEIGHTS)
    weights["logit_scale"] = torch.tensor(float("inf"), dtype=weights["logit_scale"].dtype)
    save_file(weights, path)


def page(path: Path) -> None:
    path.write_text("<!doctype html><title>404</title><p>There is nothing here.</p>" * 40)


def pointer(path: Path) -> None:
    """What a checkout without the large files has in their place."""
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")


def packed(path: Path) -> None:
    path.write_bytes(gzip.compress(TINY_WEIGHTS.read_bytes()))


def other_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no weights")


def zip_bomb(path: Path) -> None:
    torch.save({"state_dict": load_file(TINY_WEIGHTS)}, path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/9999", bytes(80_000_000))


def overlapping(path: Path) -> None:
    """Many members that are all the same bytes of the file."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data/0", bytes(1_000_000))
        member = archive.infolist()[0]
        for number in range(1, 100):
            other = copy.copy(member)
            other.filename = f"archive/data/{number}"
            archive.filelist.append(other)


def config(path: Path) -> None:
    path.write_text(json.dumps({"model_cfg": {}}))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("w.safetensors", cut_header),
        ("w.safetensors", huge_header),
        ("w.safetensors", a_layer_less),
        ("w.safetensors", a_layer_more),
        ("w.safetensors", other_names),
        ("w.safetensors", no_numbers),
        ("w.safetensors", endless),
        ("w.safetensors", page),
        ("w.safetensors", pointer),
        ("w.safetensors", packed),
        ("w.safetensors", cut_archive),
        ("w.pt", cut_archive),
        ("w.pt", other_archive),
        ("w.pt", page),
        ("w.pt", pointer),
        ("w.pt", zip_bomb),
        ("w.pt", overlapping),
        ("w.npz", zip_bomb),
        ("w.bin", page),
        ("w.bin", packed),
        ("w.bin", config),
        ("w", page),
    ],
)
def test_what_is_no_weights_file_is_refused_in_a_line(
    tmp_path: Path, name: str, make: Maker
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(ModelError) as caught:
        load_encoder(ModelSpec(TINY, str(path)), "cpu")
    said = str(caught.value)
    assert repr(name) in said
    assert "\n" not in said
    assert len(said) < 500


def test_a_folder_is_no_weights_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is not there"):
        load_encoder(ModelSpec(TINY, str(tmp_path)), "cpu")


def test_an_archive_is_not_unpacked_to_more_than_weights_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "w.pt"
    monkeypatch.setattr(torch, "load", None)  # what would unpack it
    for make, unpacked in ((zip_bomb, "8[0-9],"), (overlapping, "100,000,000")):
        make(path)
        for load in (
            lambda: load_encoder(ModelSpec(TINY, str(path)), "cpu"),
            lambda: load_local(path, "name another file"),
        ):
            with pytest.raises(ModelError, match=f"would unpack to {unpacked}"):
                load()


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", ["w.pt", "w.bin", "w.safetensors"])
def test_the_command_refuses_code_and_does_not_run_it(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marque.__main__ import commands

    struck = tmp_path / "struck"
    evil = tmp_path / name
    evil.write_bytes(pickle.dumps({"state_dict": Bomb(struck)}))
    pickle.loads(evil.read_bytes())
    assert struck.exists(), "the code in it would work"
    struck.unlink()

    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", TINY)
    before = dict(os.environ)
    try:
        words = ["embed", "--weights", str(evil), "--home", str(tmp_path / "home")]
        done = CliRunner().invoke(commands, words)
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert done.exit_code == 1, done.output
    assert repr(name) in done.stderr.splitlines()[-1]
    assert not struck.exists()
