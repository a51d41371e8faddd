"""Tokenizers that open_clip does not have itself: those of SigLIP and others are files of the model
hub, which transformers reads.

They are taken from a folder or from the hub's cache, as weights are: nothing asks the hub for what
is here, and a folder that was copied elsewhere answers questions without it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HFValidationError, RemoteEntryNotFoundError

from embeddings.hub import check_reachable, describe_hub_error, download, find_cached
from embeddings.network import first_line
from embeddings.openclip import CONFIG_FILE, open_clip
from embeddings.registry import LOCAL, ModelError, ModelSpec

_ABOUT = ("config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_WORDS = (
    *("merges.txt", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model"),
    *("sentencepiece.model", "tokenizer.model", "tokenizer.json"),
)
"""Fetched in this order: where one of these is there, the others are."""


def hub_tokenizer(config: Mapping[str, Any] | None) -> str | None:
    """The repository, or the folder, whose tokenizer the config of a model names, if it does."""
    text = (config or {}).get("text_cfg")
    name = text.get("hf_tokenizer_name") if isinstance(text, dict) else None
    return str(name) if name else None


def find_tokenizer(name: str | None) -> tuple[Path, ...]:
    """The files of a tokenizer on this machine, all in one folder; empty if it is not here."""
    if name is None:
        return ()
    if Path(name).is_dir():
        files = [Path(name) / file for file in (*_ABOUT, *_WORDS)]
    else:
        try:
            there = [find_cached(name, [file]) for file in (*_ABOUT, *_WORDS)]
        except HFValidationError:
            return ()
        files = [Path(file) for file in there if file]
    found = tuple(file for file in files if file.is_file())
    return found if any(file.name in _WORDS for file in found) else ()


def tokenizer_files(spec: ModelSpec, config: Mapping[str, Any]) -> tuple[Path, ...]:
    """The files of the tokenizer of a model whose config names one, from its own folder if they
    are there; empty if they are not on this machine."""
    folder = spec.name.removeprefix(LOCAL) if spec.name.startswith(LOCAL) else None
    return find_tokenizer(folder) or find_tokenizer(hub_tokenizer(config))


def load_tokenizer(spec: ModelSpec, config: Mapping[str, Any]) -> Any:
    """The tokenizer of a model with this config, fetched from the hub if it is missing here.

    Raises `ModelError` that says what to do.
    """
    name = hub_tokenizer(config)
    if name is None:
        return open_clip.get_tokenizer(spec.architecture)
    files = tokenizer_files(spec, config) or _fetch(spec, name)
    text = config["text_cfg"]
    try:
        return open_clip.factory.HFTokenizer(
            # As a folder: by a name transformers asks the hub even for what is in its cache.
            str(files[0].parent),
            context_length=text.get("context_length", open_clip.tokenizer.DEFAULT_CONTEXT_LENGTH),
            tokenizer_mode=text.get("tokenizer_mode"),
            local_files_only=True,
            trust_remote_code=False,
            **text.get("tokenizer_kwargs", {}),
        )
    # Files of strangers: transformers and tokenizers raise almost anything.
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {spec.name!r} in {str(files[0].parent)!r} cannot be loaded: "
            f"{first_line(error)}; fetch or copy it again"
        ) from error


def _fetch(spec: ModelSpec, name: str) -> tuple[Path, ...]:
    try:
        check_reachable(name, CONFIG_FILE)
        for file in (*_ABOUT, *_WORDS):
            try:
                download(name, file)
            except RemoteEntryNotFoundError:
                continue
        found = find_tokenizer(name)
        said = "it has none there"
    except ModelError:
        raise
    # The hub client's errors come from several packages and change with its releases.
    except Exception as error:
        found, said = (), describe_hub_error(error)
    if not found:
        raise ModelError(
            f"the tokenizer of {spec.name!r}, {name!r}, is not on this machine and the model hub "
            f"did not give it ({said}); put a copy into the hub's cache (HF_HOME), or run `marque "
            "models fetch --to FOLDER` where the hub is reached and copy the folder here"
        )
    return found
