"""Any open_clip model behind one encoder: photos and texts -> L2-normalized vectors.

Importing this module imports torch and open_clip, which takes seconds: import it only where a
photo or a text is embedded.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from core.photos.decode import SHOWN_AS
from embeddings import tiny
from embeddings.fit import check_fits
from embeddings.hub import check_unpacked_size
from embeddings.network import (
    PictureNetwork,
    check_numbers,
    check_precision,
    first_line,
    pick_device,
    place,
    weights_sha256,
)
from embeddings.openclip import open_clip, want_timm, want_transformers
from embeddings.preparation import Picture, Preparation
from embeddings.published import PREPROCESS_KEYS, QUICK_GELU, pretrained_facts
from embeddings.registry import METRIC, SPACE, ModelError, ModelSpec, SpaceRecord
from embeddings.tokenizer import load_tokenizer
from embeddings.weights import fetch_weights, find_weights

__all__ = ["ClipEncoder", "load_encoder", "pick_device", "weights_sha256"]


class ClipEncoder(PictureNetwork):
    """A loaded open_clip model; made by `load_encoder`."""

    _model: Any  # open_clip has no types

    def __init__(self, model: Any, tokenizer: Any, record: SpaceRecord, device: str) -> None:
        super().__init__(model, Preparation.of(model.visual.preprocess_cfg), device)
        self.record = record
        self._tokenizer = tokenizer

    def in_space(self, space: str) -> "ClipEncoder":
        """This encoder, or one over the same network that fills another space."""
        if space == self.record.space:
            return self
        other = copy.copy(self)
        other.record = replace(self.record, space=space)
        return other

    @property
    def version(self) -> str:
        """The version in the record: model, weights and preprocessing."""
        return self.record.version

    @torch.inference_mode()
    def encode_images(self, pictures: Picture) -> npt.NDArray[np.float32]:
        """Prepared pictures (n, height, width, 3) -> unit vectors (n, size)."""
        return _unit(self._model.encode_image(self._values(pictures)))

    def are_sound(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which of the vectors (n, size) are unit vectors: none with NaN or infinity is."""
        return np.asarray(np.abs(np.linalg.norm(vectors, axis=1) - 1) < 0.1)

    def encode_pictures(self, contents: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """n pictures' bytes -> unit vectors (n, size); raises `RejectedError`."""
        return self.encode_images(np.stack([self.preparation.picture(each) for each in contents]))

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """n texts -> unit vectors (n, size); a text over the model's length is cut."""
        tokens = self._tokenizer(list(texts)).to(self.device)
        return _unit(self._model.encode_text(tokens))

    def part_read(self, text: str) -> str:
        """The beginning of a text that the model reads; all of it unless the rest is cut off."""
        limit = self._model.context_length
        if len(text.encode("utf-8", "replace")) < limit:  # no token is shorter than a byte
            return text
        tokens = self._tokens(text)
        last = next((at for at in reversed(range(len(text))) if text[at].isalnum()), 0)
        if self._tokens(text[:last]) != tokens:
            return text  # without its last letter it would be another one
        least, most = 0, last
        while least < most:
            middle = (least + most) // 2
            if self._tokens(text[:middle]) == tokens:
                most = middle
            else:
                least = middle + 1
        return text[:most]

    def _tokens(self, text: str) -> list[int]:
        return [int(each) for each in self._tokenizer([text])[0]]

    @property
    def scale(self) -> float:
        """The factor from cosines to the logits that the model was trained with."""
        return float(self._model.logit_scale.detach().float().exp())


@lru_cache(maxsize=2)
def load_encoder(spec: ModelSpec, device: str = "auto", precision: str = "fp32") -> ClipEncoder:
    """Load a model once per process; raises `ModelError` that says what to do.

    `device` is `auto`, or any name torch takes; `precision` is `fp32` or `bf16`.
    """
    check_precision(precision)
    tiny.register_tiny()
    weights = fetch_weights(spec)
    if (found := find_weights(spec)) is not None:
        check_unpacked_size(found.path)
    model, tokenizer = _create(spec, weights)
    if spec.weights and weights:
        check_fits(Path(weights), spec.architecture, model)
    check_numbers(model, Path(spec.weights).name if spec.weights else spec.name)
    record = _record(spec, model, _size(spec, model, tokenizer))
    return ClipEncoder(model, tokenizer, record, place(model, device, precision))


def _create(spec: ModelSpec, weights: str | None) -> tuple[Any, Any]:
    """The model and its tokenizer; raises `ModelError` for files that are damaged or do not fit."""
    facts = pretrained_facts(spec)
    try:
        config = open_clip.get_model_config(spec.architecture)
        if config is None or "timm_model_name" in config["vision_cfg"]:
            want_timm()
        if config is None or config["text_cfg"].get("hf_model_name"):
            want_transformers()
        model = open_clip.create_model(
            spec.architecture,
            pretrained=weights,
            require_pretrained=True,
            force_preprocess_cfg={key: facts[key] for key in PREPROCESS_KEYS if key in facts},
            # open_clip only warns where a tag was trained with the other activation function
            force_quick_gelu=bool(facts.get(QUICK_GELU)),
        )
    # Any file can be named as weights, and a damaged one raises almost anything.
    except Exception as error:
        place = Path(weights).name if weights else spec.name
        if isinstance(error, UnpicklingError) or "pickle" in str(error):
            raise ModelError(
                f"{place!r} is damaged, or holds more than weights and was refused, because "
                "loading it would run what is in it; use a .safetensors file of the same model"
            ) from error
        raise ModelError(
            f"{place!r} cannot be loaded as {spec.architecture!r}: {first_line(error)}; check that "
            "the file is whole and belongs to this architecture"
        ) from error
    return model, load_tokenizer(spec, config or {})


def _record(spec: ModelSpec, model: Any, size: int) -> SpaceRecord:
    preprocess = dict(model.visual.preprocess_cfg)
    digest = weights_sha256(model)
    # The name and the weights of a model do not tell which activation function its tags agree on.
    by_agreement = spec.tag is None and pretrained_facts(spec).get(QUICK_GELU)
    activation = [QUICK_GELU] if by_agreement else []
    seen = json.dumps([digest, preprocess, SHOWN_AS, *activation], sort_keys=True)
    short = hashlib.sha256(seen.encode()).hexdigest()[:12]
    return SpaceRecord(
        space=SPACE,
        model=spec.name,
        weights=spec.weights,
        weights_sha256=digest,
        preprocess=json.loads(json.dumps(preprocess)),
        size=size,
        metric=METRIC,
        version=f"{spec.short_name}@{short}",
    )


def _size(spec: ModelSpec, model: Any, tokenizer: Any) -> int:
    """The length of vectors, by embedding a text: so the tokenizer is known to fit the weights."""
    try:
        with torch.inference_mode():
            return int(model.encode_text(tokenizer(["a photo of a car"])).shape[1])
    # A tokenizer of another model makes numbers that this one has no row for, or cannot pad.
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {spec.name!r} does not go with its weights: {first_line(error)}; "
            "fetch or copy both again from one place"
        ) from error


def _unit(vectors: torch.Tensor) -> npt.NDArray[np.float32]:
    unit = torch.nn.functional.normalize(vectors.float(), dim=-1)
    return unit.cpu().numpy()
