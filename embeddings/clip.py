"""Any open_clip model behind one encoder: photos and texts -> L2-normalised vectors.

Importing this module imports torch and open_clip, which takes seconds: import it only where a
photo or a text is embedded.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import torch
from open_clip.pretrained import download_pretrained, download_pretrained_from_hf
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors import SafetensorError

from catalog.photos import decode
from embeddings import tiny
from embeddings.registry import SPACES, TINY, ModelError, ModelSpec, SpaceRecord

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
# What torch, safetensors, json and the hub client raise on files that are damaged or do not fit
_LOAD_ERRORS = (
    RuntimeError,
    OSError,
    ValueError,
    LookupError,
    EOFError,
    UnpicklingError,
    SafetensorError,
)
_PREPROCESS_KEYS = ("mean", "std", "interpolation", "resize_mode")


class ClipEncoder:
    """A loaded open_clip model; made by `load_encoder`."""

    def __init__(
        self, model: Any, preprocess: Any, tokenizer: Any, record: SpaceRecord, device: str
    ) -> None:
        self.record = record
        self.device = device
        self._model = model
        self._tokenizer = tokenizer
        self._preprocess = preprocess
        self._dtype = next(model.parameters()).dtype

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        """One RGB photo -> float32 tensor (3, H, W) as the model was trained to see it."""
        tensor: torch.Tensor = self._preprocess(image)
        return tensor

    @torch.inference_mode()
    def encode_images(self, batch: torch.Tensor) -> npt.NDArray[np.float32]:
        """Preprocessed photos (n, 3, H, W) -> unit vectors (n, size)."""
        ready = batch.to(self.device, self._dtype)
        return _unit(self._model.encode_image(ready))

    def encode_pictures(self, contents: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """n pictures' bytes -> unit vectors (n, size); raises `RejectedError`."""
        return self.encode_images(
            torch.stack([self.preprocess(decode(content)) for content in contents])
        )

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """n texts -> unit vectors (n, size); a text over the model's length is cut."""
        tokens = self._tokenizer(list(texts)).to(self.device)
        return _unit(self._model.encode_text(tokens))


@lru_cache(maxsize=2)
def load_encoder(
    spec: ModelSpec, device: str = "auto", precision: str = "fp32", space: str = "semantic"
) -> ClipEncoder:
    """Load a model once a process; raises `ModelError` with the ways on.

    `device` is `auto`, or any name torch takes; `precision` is `fp32` or `bf16`.
    """
    if precision not in DTYPES:
        raise ModelError(f"precision {precision!r} is not known; use one of {', '.join(DTYPES)}")
    tiny.register()
    weights = _fetch(spec)
    try:
        model = open_clip.create_model(
            spec.architecture,
            pretrained=weights,
            require_pretrained=True,
            force_preprocess_cfg=_tag_preprocess(spec),
        )
        tokenizer = open_clip.get_tokenizer(spec.architecture)
    except _LOAD_ERRORS as error:
        raise ModelError(_cannot_load(spec, weights, error)) from error
    preprocess = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    record = _record(spec, model, space)
    where = pick_device() if device == "auto" else device
    model = model.eval().to(where, DTYPES[precision])
    return ClipEncoder(model, preprocess, tokenizer, record, where)


def pick_device() -> str:
    """The best device torch can use here: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _fetch(spec: ModelSpec) -> str | None:
    """Where the weights are on disk, fetched if need be; None where the name says it itself."""
    if spec.weights is not None:
        return spec.weights
    if spec.name == TINY:
        return str(tiny.WEIGHTS)
    if spec.name.startswith("local-dir:"):
        return None
    try:
        with _quiet():
            if spec.name.startswith("hf-hub:"):
                download_pretrained_from_hf(spec.name.removeprefix("hf-hub:"))
                return None
            found = open_clip.get_pretrained_cfg(spec.architecture, spec.tag or "")
            if found:
                return str(download_pretrained(found))
    # The hub client's errors come from several packages and change with its releases.
    except Exception as error:
        raise ModelError(_cannot_fetch(spec, error)) from error
    raise ModelError(_unknown(spec))


def _record(spec: ModelSpec, model: Any, space: str) -> SpaceRecord:
    preprocess = dict(model.visual.preprocess_cfg)
    digest = weights_sha256(model)
    seen = json.dumps([digest, preprocess], sort_keys=True)
    short = hashlib.sha256(seen.encode()).hexdigest()[:12]
    return SpaceRecord(
        space=space,
        model=spec.name,
        weights=spec.weights,
        weights_sha256=digest,
        preprocess=json.loads(json.dumps(preprocess)),
        size=_size(model),
        metric=SPACES[space].metric,
        version=f"{spec.name}@{short}",
    )


def weights_sha256(model: torch.nn.Module) -> str:
    """sha256, hex, over the names, shapes and float32 values of a model's state."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy())
    return digest.hexdigest()


def _size(model: Any) -> int:
    tokens = torch.zeros((1, model.context_length), dtype=torch.long)
    with torch.inference_mode():
        return int(model.encode_text(tokens).shape[1])


def _tag_preprocess(spec: ModelSpec) -> dict[str, Any] | None:
    if spec.tag is None:
        return None
    known = open_clip.get_pretrained_cfg(spec.architecture, spec.tag)
    return {key: known[key] for key in _PREPROCESS_KEYS if key in known}


def _unit(vectors: torch.Tensor) -> npt.NDArray[np.float32]:
    unit = torch.nn.functional.normalize(vectors.float(), dim=-1)
    return unit.cpu().numpy()


class _quiet:  # noqa: N801 - used as a word: `with _quiet():`
    """Keeps the hub client's progress and retry lines out of the way of our own message."""

    def __enter__(self) -> None:
        self._before = logging.root.manager.disable
        logging.disable(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        logging.disable(self._before)


def _cannot_fetch(spec: ModelSpec, error: Exception) -> str:
    return (
        f"the weights of {spec.name!r} are not on this machine and the model hub did not give them "
        f"({type(error).__name__}); put a copy into the hub's cache (HF_HOME), name a local file "
        f"with --weights FILE, or set MARQUE_SEMANTIC_MODEL={TINY} to try things out"
    )


def _unknown(spec: ModelSpec) -> str:
    tags = open_clip.list_pretrained_tags_by_model(spec.architecture)
    if tags:
        return (
            f"{spec.name!r} names no weights of {spec.architecture}: use one of the tags "
            f"{', '.join(tags)} as {spec.architecture}/TAG, or --weights FILE"
        )
    return (
        f"{spec.architecture!r} is no model that open_clip knows; use ARCHITECTURE/TAG, "
        f"hf-hub:ORG/REPO, local-dir:PATH or {TINY}"
    )


def _cannot_load(spec: ModelSpec, weights: str | None, error: Exception) -> str:
    place = Path(weights).name if weights else spec.name
    first = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    return (
        f"{place!r} cannot be loaded as {spec.architecture!r}: {first}; check that the file is "
        "whole and belongs to this architecture"
    )
