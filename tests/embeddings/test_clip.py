"""Loading models: every way to name one, the vectors they give, and what is said when it fails."""

import io
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from embeddings.clip import ClipEncoder, load_encoder
from embeddings.registry import DEFAULT_MODEL, TINY, ModelError, ModelSpec, SpaceRecord, model_spec
from embeddings.tiny import TINY_WEIGHTS
from embeddings.weights import tag_facts

TEXTS = ["a red car", "a blue pickup by the sea"]
ROOT = Path(__file__).parents[2]


def test_vectors_are_those_of_open_clip_itself(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    model, _, preprocess = open_clip.create_model_and_transforms(TINY, pretrained=str(TINY_WEIGHTS))
    model.eval()
    with torch.inference_mode():
        batch = torch.stack([preprocess(Image.open(io.BytesIO(each))) for each in scenes])
        photos = model.encode_image(batch, normalize=True).numpy()
        texts = model.encode_text(open_clip.get_tokenizer(TINY)(TEXTS), normalize=True).numpy()
    assert np.abs(tiny_encoder.encode_pictures(scenes) - photos).max() < 1e-5
    assert np.abs(tiny_encoder.encode_texts(TEXTS) - texts).max() < 1e-5


def test_vectors_have_length_one_and_the_size_that_the_record_says(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    for vectors in (tiny_encoder.encode_pictures(scenes), tiny_encoder.encode_texts(TEXTS)):
        assert vectors.dtype == np.float32
        assert vectors.shape[1] == tiny_encoder.record.size
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_long_text_is_cut(tiny_encoder: ClipEncoder) -> None:
    assert tiny_encoder.encode_texts(["a red car " * 500]).shape == (1, tiny_encoder.record.size)


def test_the_same_weights_from_any_place_are_the_same(
    tiny_encoder: ClipEncoder, tiny_folder: Path, scenes: list[bytes]
) -> None:
    half = tiny_folder.parent / "half.safetensors"
    save_file({name: each.half() for name, each in load_file(TINY_WEIGHTS).items()}, half)
    folder = load_encoder(model_spec(f"local-dir:{tiny_folder}"), "cpu")
    file = load_encoder(model_spec(TINY, tiny_folder / "open_clip_model.safetensors"), "cpu")
    stored_half = all(each.dtype == torch.float16 for each in load_file(TINY_WEIGHTS).values())
    expected = tiny_encoder.encode_pictures(scenes)
    for other in (folder, file):
        assert other.record.weights_sha256 == tiny_encoder.record.weights_sha256
        assert np.array_equal(other.encode_pictures(scenes), expected)
        assert np.array_equal(other.encode_texts(TEXTS), tiny_encoder.encode_texts(TEXTS))
    if stored_half:
        again = load_encoder(model_spec(TINY, half), "cpu")
        assert again.record.weights_sha256 == tiny_encoder.record.weights_sha256
    assert file.record.version == tiny_encoder.record.version


def test_a_folder_that_moved_is_the_same_model(tiny_folder: Path) -> None:
    before = load_encoder(model_spec(f"local-dir:{tiny_folder}"), "cpu").record
    moved = tiny_folder.parent / "elsewhere" / tiny_folder.name
    shutil.copytree(tiny_folder, moved)
    after = load_encoder(model_spec(f"local-dir:{moved}"), "cpu").record
    assert before.version == after.version
    shutil.rmtree(tiny_folder)
    assert not before.spec.is_there
    assert after.spec.is_there


def test_the_version_tells_other_weights_and_other_preprocessing(
    tiny_encoder: ClipEncoder, tiny_folder: Path, tmp_path: Path
) -> None:
    weights = load_file(TINY_WEIGHTS)
    weights["text_projection"][0, 0] += 1
    other = tmp_path / "other.safetensors"
    save_file(weights, other)
    changed = load_encoder(model_spec(TINY, other), "cpu").record
    assert changed.weights_sha256 != tiny_encoder.record.weights_sha256
    assert changed.version != tiny_encoder.record.version

    plain = load_encoder(model_spec(f"local-dir:{tiny_folder}"), "cpu").record
    config = tiny_folder / "open_clip_config.json"
    document = json.loads(config.read_text())
    document["preprocess_cfg"] = {"resize_mode": "squash"}
    config.write_text(json.dumps(document))
    load_encoder.cache_clear()
    squashed = load_encoder(model_spec(f"local-dir:{tiny_folder}"), "cpu").record
    assert squashed.weights_sha256 == plain.weights_sha256
    assert squashed.version != plain.version


def test_the_record_survives_its_json(tiny_encoder: ClipEncoder) -> None:
    record = tiny_encoder.record
    again = SpaceRecord.from_json(record.to_json())
    assert again == record
    assert again.to_json() == record.to_json()
    assert again.is_tryout


def test_half_precision_gives_nearly_the_same(
    tiny_encoder: ClipEncoder, scenes: list[bytes]
) -> None:
    half = load_encoder(ModelSpec(TINY), "cpu", "bf16")
    same = np.sum(half.encode_pictures(scenes) * tiny_encoder.encode_pictures(scenes), axis=1)
    assert same.min() > 0.995
    assert half.record.version == tiny_encoder.record.version


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ModelSpec("ViT-Z-99/none"), ["ViT-Z-99", "is not a model", TINY]),
        (ModelSpec("ViT-B-32-256/no_such"), ["no_such", "datacomp_s34b_b86k", "--weights"]),
        (ModelSpec("ViT-B-32-256/no_such", str(TINY_WEIGHTS)), ["no_such", "datacomp_s34b_b86k"]),
        (ModelSpec("ViT-B-32-256"), ["ViT-B-32-256/TAG", "--weights"]),
        (ModelSpec(TINY, "/nowhere/w.safetensors"), ["/nowhere/w.safetensors", "not there"]),
        (ModelSpec("local-dir:/nowhere/model"), ["/nowhere/model"]),
        (ModelSpec("ViT-B-32-256", str(TINY_WEIGHTS)), ["marque-tiny.safetensors", "ViT-B-32-256"]),
    ],
)
def test_what_cannot_be_named_is_said(spec: ModelSpec, said: list[str]) -> None:
    with pytest.raises(ModelError) as error:
        load_encoder(spec, "cpu")
    for part in said:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_that_has_weights_takes_no_other_file() -> None:
    with pytest.raises(ModelError, match="brings its own weights"):
        model_spec("local-dir:/tmp", TINY_WEIGHTS)
    with pytest.raises(ModelError, match="no weights file"):
        model_spec(TINY, Path("nowhere.pt"))
    with pytest.raises(ModelError, match="empty"):
        model_spec(" ")


def test_an_unknown_device_or_precision_is_said() -> None:
    with pytest.raises(ModelError, match="no-such-device"):
        load_encoder(ModelSpec(TINY), "no-such-device")
    with pytest.raises(ModelError, match="fp8"):
        load_encoder(ModelSpec(TINY), "cpu", "fp8")


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_a_truncated_file_is_named(tmp_path: Path, keep: int) -> None:
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(TINY_WEIGHTS.read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"'broken\.safetensors' cannot be loaded"):
        load_encoder(ModelSpec(TINY, str(broken)), "cpu")


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    weights = load_file(TINY_WEIGHTS)
    weights["text_projection"] = weights["text_projection"][:, :-1].contiguous()
    odd = tmp_path / "odd.safetensors"
    save_file(weights, odd)
    with pytest.raises(ModelError, match=r"'odd\.safetensors' cannot be loaded"):
        load_encoder(ModelSpec(TINY, str(odd)), "cpu")


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".npz"])
@pytest.mark.parametrize("plain", [True, False])
def test_code_in_a_weights_file_is_not_run(tmp_path: Path, suffix: str, plain: bool) -> None:
    struck = tmp_path / "struck"
    evil = tmp_path / f"evil{suffix}"
    content = {"state_dict": _Bomb(struck)}
    if plain:
        evil.write_bytes(pickle.dumps(content, protocol=2))
    else:
        torch.save(content, evil)
    with pytest.raises(ModelError, match="evil") as error:
        load_encoder(ModelSpec(TINY, str(evil)), "cpu")
    assert not struck.exists()
    assert "trust" not in str(error.value)


@pytest.mark.parametrize("content", [[1, 2], {}, torch.zeros(3)])
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: object) -> None:
    odd = tmp_path / "odd.pt"
    torch.save(content, odd)
    with pytest.raises(ModelError, match=r"'odd\.pt' cannot be loaded"):
        load_encoder(ModelSpec(TINY, str(odd)), "cpu")


def test_weights_saved_by_torch_are_taken(tmp_path: Path, tiny_encoder: ClipEncoder) -> None:
    saved = tmp_path / "saved.pt"
    torch.save({"state_dict": load_file(TINY_WEIGHTS)}, saved)
    loaded = load_encoder(ModelSpec(TINY, str(saved)), "cpu")
    assert loaded.record.weights_sha256 == tiny_encoder.record.weights_sha256


def test_a_tag_brings_its_preprocessing_and_activation() -> None:
    assert tag_facts(ModelSpec("ViT-B-32/openai"))["quick_gelu"] is True
    assert tag_facts(ModelSpec(DEFAULT_MODEL))["interpolation"] == "bicubic"
    assert tag_facts(ModelSpec(TINY)) == {}


LOAD = """
import sys
from embeddings.clip import load_encoder
from embeddings.registry import ModelError, ModelSpec
try:
    print(load_encoder(ModelSpec(sys.argv[1]), "cpu").record.weights_sha256)
except ModelError as error:
    print(error)
"""


def _load(name: str, **environment: str) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", LOAD, name],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )
    (said,) = done.stdout.splitlines()
    return said, done.stderr


@pytest.fixture
def silent_hub() -> Iterator[tuple[str, list[str]]]:
    """The address of a hub that hangs up on whoever calls, and the calls that it got: the same on
    a machine that can reach the real one."""
    calls: list[str] = []

    def hang_up(server: socket.socket) -> None:
        with suppress(OSError):  # it is closed
            while True:
                connection, caller = server.accept()
                calls.append(str(caller))
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=hang_up, args=(server,))
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", calls
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_hub_out_of_reach_is_one_sentence_and_soon(
    tmp_path: Path, silent_hub: tuple[str, list[str]]
) -> None:
    """It is asked once, and not for each file and again after a pause."""
    hub, calls = silent_hub
    said, noise = _load(DEFAULT_MODEL, HF_HOME=str(tmp_path), HF_ENDPOINT=hub)
    assert DEFAULT_MODEL in said
    for way in ("HF_HOME", "--weights FILE", f"MARQUE_SEMANTIC_MODEL={TINY}"):
        assert way in said
    assert "Traceback" not in noise
    assert "Retrying" not in noise
    assert len(calls) == 1


def test_a_cached_copy_is_used_without_the_hub(
    tmp_path: Path, tiny_folder: Path, tiny_encoder: ClipEncoder
) -> None:
    nobody = "http://127.0.0.1:9"  # a port of this machine that answers nothing
    repo = tmp_path / "hub" / "models--someone--small"
    commit = "0123456789abcdef0123456789abcdef01234567"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(commit)
    shutil.copytree(tiny_folder, repo / "snapshots" / commit)
    said, noise = _load("hf-hub:someone/small", HF_HOME=str(tmp_path), HF_ENDPOINT=nobody)
    assert said == tiny_encoder.record.weights_sha256
    assert "Retrying" not in noise


def test_naming_models_imports_no_torch() -> None:
    code = "import sys, embeddings.registry; print({'torch', 'open_clip'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "set()"
