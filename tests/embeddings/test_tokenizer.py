"""Models whose tokenizer is not open_clip's own: from the hub, from its cache, and in a folder."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, PreTrainedTokenizerFast

from embeddings.clip import load_encoder
from embeddings.export import copy_model
from embeddings.known import load_known, store_known
from embeddings.models import fetch_model, verify_model
from embeddings.registry import ModelError, ModelSpec
from embeddings.tokenizer import find_tokenizer
from embeddings.weights import find_weights
from tests.embeddings.hub import COMMIT, REPO, Hub, serving, use_hub
from tests.embeddings.small import NAME, register, save_folder, save_weights, small_config

TEXTS = ["a red car by the sea", "ein weißes Cabrio"]
WORDS = "a red blue white car truck by the sea in front of photo coupe sedan ein weißes auto cabrio"
NOBODY = "http://127.0.0.1:9"  # a port of this machine that answers nothing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer as transformers saves it: small, and of the kind that SigLIP's is."""
    inner = Tokenizer(models.Unigram())
    inner.normalizer = normalizers.Lowercase()
    inner.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=90, special_tokens=special, unk_token="<unk>")
    inner.train_from_iterator([WORDS] * 4, trainer)
    inner.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    folder = tmp_path_factory.mktemp("tokenizer")
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    wrapped.save_pretrained(folder)
    return folder


def config(**text: Any) -> dict[str, Any]:
    kwargs = {"tokenizer_kwargs": {"clean": "canonicalize"}}
    return small_config(**{"hf_tokenizer_name": REPO, "vocab_size": 90, **kwargs, **text})


def in_cache(cache: Path, files: Path, repo: str = REPO) -> None:
    """Files as the hub's client keeps them."""
    place = cache / f"models--{repo.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(COMMIT)
    shutil.copytree(files, place / "snapshots" / COMMIT)


@pytest.fixture
def hub(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    load_encoder.cache_clear()
    register(monkeypatch, config())
    with serving(made) as hub:
        use_hub(monkeypatch, hub.url, tmp_path / "cache")
        yield hub


def own_file(tmp_path: Path) -> ModelSpec:
    return ModelSpec(NAME, str(save_weights(tmp_path / "w.safetensors")))


def test_a_tokenizer_is_fetched_once_and_checked(hub: Hub, tmp_path: Path, made: Path) -> None:
    spec = own_file(tmp_path)
    vectors = load_encoder(spec, "cpu").encode_texts(TEXTS)
    assert any("tokenizer.json" in each for each in hub.asked)
    own = open_clip.factory.HFTokenizer(str(made), context_length=12, clean="canonicalize")
    tokens = own(TEXTS)
    assert len(set(tokens[0].tolist())) > 3
    model = load_encoder(spec, "cpu")._model
    expected = model.encode_text(tokens, normalize=True).detach().numpy()
    assert np.allclose(vectors, expected, atol=1e-6)
    hub.asked.clear()
    load_encoder.cache_clear()
    assert np.array_equal(load_encoder(spec, "cpu").encode_texts(TEXTS), vectors)
    assert hub.asked == []
    found = find_weights(spec)
    assert found
    names = {path.name for path in found.beside}
    assert names == {"tokenizer.json", "tokenizer_config.json"}
    assert {each.path.name: each.state for each in verify_model(spec, tmp_path)} == {
        "w.safetensors": "unknown",
        "tokenizer.json": "ok",
        "tokenizer_config.json": "ok",
    }
    store_known(tmp_path, load_encoder(spec, "cpu").record)
    assert load_known(tmp_path, spec)
    blob = find_tokenizer(REPO)[-1].resolve()
    blob.write_bytes(blob.read_bytes() + b" ")
    assert load_known(tmp_path, spec) is None
    assert "problem" in {each.state for each in verify_model(spec, tmp_path)}


def test_a_model_of_the_hub_brings_its_tokenizer(hub: Hub, tmp_path: Path, made: Path) -> None:
    shutil.copytree(made, tmp_path / "repo")
    save_folder(tmp_path / "both", {"model_cfg": config(), "preprocess_cfg": {}})
    shutil.copytree(tmp_path / "both", tmp_path / "repo", dirs_exist_ok=True)
    hub.folder = tmp_path / "repo"
    spec = ModelSpec(f"hf-hub:{REPO}")
    assert fetch_model(spec, tmp_path).downloaded
    found = find_weights(spec)
    assert found
    assert len(found.beside) == 3
    assert {each.state for each in verify_model(spec, tmp_path)} == {"ok"}


def test_a_copy_answers_questions_on_a_machine_without_the_hub(
    hub: Hub, tmp_path: Path, made: Path
) -> None:
    spec = own_file(tmp_path)
    folder = tmp_path / "to" / "copy"
    record = copy_model(spec, folder)
    assert record.weights_sha256 == load_encoder(spec, "cpu").record.weights_sha256
    for path in made.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()
    assert {each.state for each in verify_model(ModelSpec(f"local-dir:{folder}"), tmp_path)} == {
        "ok"
    }
    expected = load_encoder(spec, "cpu").encode_texts(TEXTS)
    shutil.rmtree(tmp_path / "cache")
    away = folder.rename(tmp_path / "carried")
    load_encoder.cache_clear()
    hub.asked.clear()
    carried = load_encoder(ModelSpec(f"local-dir:{away}"), "cpu")
    assert np.allclose(carried.encode_texts(TEXTS), expected, atol=1e-5)
    assert hub.asked == []
    again = copy_model(ModelSpec(f"local-dir:{away}"), tmp_path / "again")
    assert again.weights_sha256 == record.weights_sha256


@pytest.mark.parametrize("where", ["cache", "path"])
def test_a_tokenizer_of_the_cache_or_a_folder_needs_no_hub(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    use_hub(monkeypatch, NOBODY, tmp_path / "cache")
    in_cache(tmp_path / "cache", made)
    register(monkeypatch, config(hf_tokenizer_name=REPO if where == "cache" else str(made)))
    load_encoder.cache_clear()
    assert load_encoder(own_file(tmp_path), "cpu").encode_texts(TEXTS).shape == (2, 16)


def test_what_is_missing_or_does_not_fit_is_said(
    hub: Hub, tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = own_file(tmp_path)
    use_hub(monkeypatch, NOBODY, tmp_path / "empty")
    with pytest.raises(ModelError, match=f"'{REPO}', is not on this machine") as caught:
        load_encoder(spec, "cpu")
    assert "fetch --to FOLDER" in str(caught.value)
    assert "\n" not in str(caught.value)

    damaged = tmp_path / "damaged"
    shutil.copytree(made, damaged)
    (damaged / "tokenizer.json").write_text('{"version": ')
    register(monkeypatch, config(hf_tokenizer_name=str(damaged)))
    with pytest.raises(ModelError, match=r"damaged' cannot be loaded: .*; fetch or copy it again"):
        load_encoder(spec, "cpu")

    register(monkeypatch, config(hf_tokenizer_name=str(made), vocab_size=10))
    few = ModelSpec(NAME, str(save_weights(tmp_path / "few.safetensors")))
    with pytest.raises(ModelError, match="does not go with its weights"):
        load_encoder(few, "cpu")


def test_code_of_a_tokenizer_is_not_run(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = tmp_path / "evil"
    shutil.copytree(made, evil)
    (evil / "mine.py").write_text(f"open({str(tmp_path / 'struck')!r}, 'w')\nclass Mine: pass\n")
    document = json.loads((evil / "tokenizer_config.json").read_text())
    document |= {"tokenizer_class": "Mine", "auto_map": {"AutoTokenizer": ["mine.Mine", None]}}
    (evil / "tokenizer_config.json").write_text(json.dumps(document))
    register(monkeypatch, config(hf_tokenizer_name=str(evil)))
    load_encoder.cache_clear()
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_encoder(own_file(tmp_path), "cpu")
    assert not (tmp_path / "struck").exists()


def test_a_text_part_of_transformers_is_built(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    bert = tmp_path / "bert"
    BertConfig(vocab_size=90, intermediate_size=16, **sizes).save_pretrained(bert)
    text = {"hf_model_name": str(bert), "hf_tokenizer_name": str(made), "context_length": 12}
    text |= {"hf_proj_type": "mlp", "hf_pooler_type": "mean_pooler"}
    register(monkeypatch, small_config() | {"text_cfg": text})
    load_encoder.cache_clear()
    from embeddings.openclip import want_transformers

    want_transformers()
    spec = ModelSpec(NAME, str(save_weights(tmp_path / "w.safetensors", pretrained_text=False)))
    assert load_encoder(spec, "cpu").encode_texts(TEXTS).shape == (2, 16)


def test_words_of_sentencepiece_alone_are_read(tmp_path: Path) -> None:
    """Tokenizers that were saved before they had a file of the faster kind."""
    import sentencepiece

    (tmp_path / "words.txt").write_text(f"{WORDS}\n" * 50)
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "words.txt"), model_prefix=str(tmp_path / "spiece"), vocab_size=34,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    folder = tmp_path / "t5"
    folder.mkdir()
    (tmp_path / "spiece.model").rename(folder / "spiece.model")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "T5Tokenizer", "extra_ids": 0})
    )
    tokens = open_clip.factory.HFTokenizer(str(folder), context_length=12)(TEXTS)
    assert tokens.shape == (2, 12)
    assert len(set(tokens[0].tolist())) > 3
