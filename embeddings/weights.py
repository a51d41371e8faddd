"""Where a model's weights are: a file, this project, or the model hub and its cache."""

import json
import os.path
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import RemoteEntryNotFoundError

from embeddings import tiny
from embeddings.hub_files import cached, checked, probe, why
from embeddings.openclip import CONFIG_FILE, SAFE_WEIGHTS_FILE, WEIGHTS_FILE, open_clip
from embeddings.registry import HUB, LOCAL, TINY, ModelError, ModelSpec
from embeddings.tokenizer import find_tokenizer, hub_tokenizer

MOST_TIMES = 4
"""Weights are numbers that hardly shrink: an archive that unpacks to more times its own size holds
something else, up to a thousand times as much."""


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """A model's weights as they lie on this machine; `repo` and `commit` where the hub gave them.

    `beside` are the other files that the model needs and that came with it.
    """

    path: Path
    place: Literal["project", "file", "folder", "cache"]
    repo: str | None = None
    commit: str | None = None
    beside: tuple[Path, ...] = ()


def find_weights(spec: ModelSpec) -> WeightsFile | None:
    """Where a model's weights are on this machine, without asking the hub; None if nowhere.

    Raises `ModelError` for a name that stands for no weights.
    """
    if spec.weights is not None:
        tag_facts(spec)
        path = Path(spec.weights)
        words = find_tokenizer(hub_tokenizer(open_clip.get_model_config(spec.architecture)))
        return WeightsFile(path, "file", beside=words) if path.is_file() else None
    if spec.name == TINY:
        return WeightsFile(tiny.WEIGHTS, "project") if tiny.WEIGHTS.is_file() else None
    if spec.name.startswith(LOCAL):
        return _in_folder(Path(spec.name.removeprefix(LOCAL)))
    repo, names = hub_place(spec)
    found = cached(repo, names)
    if found is None:
        return None
    beside: tuple[Path, ...] = ()
    config = open_clip.get_model_config(spec.architecture) if spec.tag else None
    if spec.name.startswith(HUB):
        if (place := cached(repo, [CONFIG_FILE])) is None:
            return None
        beside, config = (Path(place),), _model_config(Path(place))
    beside += find_tokenizer(hub_tokenizer(config))
    # A file of the cache lies below the name of its commit
    commit = Path(found).parts[-1 - len(Path(names[0]).parts)]
    return WeightsFile(Path(found), "cache", repo, commit, beside)


def fetch_weights(spec: ModelSpec) -> str | None:
    """The file that holds a model's weights, downloaded if it is nowhere on this machine.

    None where open_clip finds them itself by the model's name: `local-dir:`, and `hf-hub:`, whose
    files are in the cache afterwards. A cached copy is used without asking the hub. A download is
    compared with what the hub states of it, and deleted if it is something else. Raises
    `ModelError` with the ways on.
    """
    if spec.weights is not None:
        return _existing(spec, Path(spec.weights))
    if spec.name == TINY:
        return str(tiny.WEIGHTS)
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
            raise ModelError(_cannot_fetch(spec, error)) from error
    else:
        file = str(found.path)
    return None if spec.name.startswith(HUB) else file


def check_unpacked_size(path: Path) -> None:
    """Look at the table of contents of a file that is an archive, as torch's and NumPy's are.

    Raises `ModelError` where it would unpack to more than `MOST_TIMES` its size: nothing that
    loads it asks, and 2 MB can become 2 GB. A file that is no archive, or a damaged one, passes:
    what loads it says so.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return
    size = path.stat().st_size
    if unpacked > MOST_TIMES * size:
        raise ModelError(
            f"{path.name!r} has {size:,} bytes and would unpack to {unpacked:,}, which weights do "
            "not; get it anew from where it was made, or save it anew as .safetensors"
        )


def hub_place(spec: ModelSpec) -> tuple[str, list[str]]:
    """The hub's repository of a model, and the names that its weights may have there, in the order
    in which open_clip tries them; raises `ModelError` for a name that is none of the hub's."""
    if spec.name.startswith(HUB):
        return spec.name.removeprefix(HUB), _file_names("")
    known = tag_facts(spec)
    if not known.get("hf_hub"):
        raise ModelError(_unknown(spec))
    repo, file_name = os.path.split(known["hf_hub"])
    return repo, _file_names(file_name)


def tag_facts(spec: ModelSpec) -> Mapping[str, Any]:
    """What open_clip knows of a pretrained tag: where it is, how photos are prepared for it.

    Empty where the name has no tag; raises `ModelError` for a tag that open_clip does not know.
    """
    if spec.tag is None:
        return {}
    known: Mapping[str, Any] = open_clip.get_pretrained_cfg(spec.architecture, spec.tag)
    if not known:
        raise ModelError(_unknown(spec))
    return known


def _existing(spec: ModelSpec, path: Path) -> str:
    if not path.is_file():
        raise ModelError(
            f"the weights file {str(path)!r} of {spec.name!r} is not there; put it back, or name "
            "it where it is now with MARQUE_SEMANTIC_WEIGHTS"
        )
    return str(path)


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
        return None  # whoever loads it is told
    config = document.get("model_cfg") if isinstance(document, dict) else None
    return config if isinstance(config, dict) else None


def _download(repo: str, names: Sequence[str], *, with_config: bool) -> str:
    probe(repo)
    if with_config:
        checked(hf_hub_download(repo, CONFIG_FILE))
    for name in names[:-1]:
        try:
            return checked(hf_hub_download(repo, name))
        except RemoteEntryNotFoundError:
            continue  # open_clip tries the other form of the file then, and nothing else does
    return checked(hf_hub_download(repo, names[-1]))


def _file_names(file_name: str) -> list[str]:
    """The names that open_clip tries for a weights file of the hub, in its order."""
    if not file_name:
        return [SAFE_WEIGHTS_FILE, WEIGHTS_FILE]
    name = Path(file_name)
    if name.suffix not in (".bin", ".pth"):
        return [file_name]
    return [str(name.with_suffix(".safetensors")), file_name]


def _cannot_fetch(spec: ModelSpec, error: Exception) -> str:
    return (
        f"the weights of {spec.name!r} are not on this machine and the model hub did not give them "
        f"({why(error)}); put a copy into the hub's cache (HF_HOME), name a local file "
        f"with --weights FILE, or set MARQUE_SEMANTIC_MODEL={TINY} to try things out"
    )


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
        f"{spec.architecture!r} is no model that open_clip knows; use ARCHITECTURE/TAG, "
        f"hf-hub:ORG/REPO, local-dir:PATH or {TINY}"
    )
