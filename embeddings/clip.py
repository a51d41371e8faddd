"""Any open_clip model behind one encoder: photos and texts -> L2-normalised vectors.

Importing this module imports torch and open_clip, which takes seconds: import it only where a
photo or a text is embedded.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from embeddings import tiny
from embeddings.openclip import open_clip
from embeddings.preparation import Picture, Preparation
from embeddings.registry import SPACES, ModelError, ModelSpec, SpaceRecord
from embeddings.tuning import Dtype, MemoryFormat
from embeddings.weights import fetch_weights, tag_facts

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
_PREPROCESS_KEYS = ("mean", "std", "interpolation", "resize_mode")


class ClipEncoder:
    """A loaded open_clip model; made by `load_encoder`."""

    def __init__(self, model: Any, tokenizer: Any, record: SpaceRecord, device: str) -> None:
        self.record = record
        self.device = device
        self.preparation = Preparation.of(model.visual.preprocess_cfg)
        self._model = model
        self._tokenizer = tokenizer
        self._dtype = next(model.parameters()).dtype
        self._format = torch.contiguous_format
        self._mean, self._std = (
            torch.tensor(values, device=device)[:, None, None]
            for values in (self.preparation.mean, self.preparation.std)
        )
        self.lay_out("channels_last")

    @torch.inference_mode()
    def encode_images(self, pictures: Picture) -> npt.NDArray[np.float32]:
        """Prepared pictures (n, height, width, 3) -> unit vectors (n, size)."""
        batch = torch.from_numpy(pictures)
        if self.device.startswith("cuda"):
            batch = batch.pin_memory()
        # The same two steps as torchvision's ToTensor and Normalize, to the last bit, but once for
        # a batch and where the model is.
        values = batch.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)
        values.sub_(self._mean).div_(self._std)
        return _unit(self._model.encode_image(values.to(self._dtype, memory_format=self._format)))

    def encode_pictures(self, contents: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """n pictures' bytes -> unit vectors (n, size); raises `RejectedError`."""
        return self.encode_images(np.stack([self.preparation.picture(each) for each in contents]))

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """n texts -> unit vectors (n, size); a text over the model's length is cut."""
        tokens = self._tokenizer(list(texts)).to(self.device)
        return _unit(self._model.encode_text(tokens))

    def lay_out(self, memory_format: MemoryFormat) -> None:
        """Lay pictures and filters out in memory so or so: only speed differs."""
        self._format = FORMATS[memory_format]
        self._model.to(memory_format=self._format)

    def in_dtype(self, dtype: Dtype) -> "ClipEncoder":
        """This encoder, or a copy that computes in another type."""
        wanted = DTYPES[dtype]
        if wanted == self._dtype:
            return self
        # Each tensor is turned while it is copied: a whole copy first would double the memory.
        tensors = (*self._model.parameters(), *self._model.buffers())
        turned = {id(each): _turned(each, wanted) for each in tensors}
        model = copy.deepcopy(self._model, turned)
        return ClipEncoder(model, self._tokenizer, self.record, self.device)


@lru_cache(maxsize=2)
def load_encoder(
    spec: ModelSpec, device: str = "auto", precision: str = "fp32", space: str = "semantic"
) -> ClipEncoder:
    """Load a model once a process; raises `ModelError` with the ways on.

    `device` is `auto`, or any name torch takes; `precision` is `fp32` or `bf16`.
    """
    if precision not in DTYPES:
        raise ModelError(f"precision {precision!r} is not known; use one of {', '.join(DTYPES)}")
    where = pick_device() if device == "auto" else device
    tiny.register()
    model, tokenizer = _create(spec, fetch_weights(spec))
    _check_numbers(spec, model)
    record = _record(spec, model, space)
    try:
        model = model.eval().to(where, DTYPES[precision])
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"device {device!r} cannot be used here: {_first_line(error)}; set MARQUE_DEVICE=auto"
        ) from error
    return ClipEncoder(model, tokenizer, record, where)


def pick_device() -> str:
    """The best device torch can use here: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _create(spec: ModelSpec, weights: str | None) -> tuple[Any, Any]:
    """The model and its tokenizer; raises `ModelError` for files that are damaged or do not fit."""
    facts = tag_facts(spec)
    try:
        model = open_clip.create_model(
            spec.architecture,
            pretrained=weights,
            require_pretrained=True,
            force_preprocess_cfg={key: facts[key] for key in _PREPROCESS_KEYS if key in facts},
            # open_clip only warns where a tag was trained with the other activation function
            force_quick_gelu=bool(facts.get("quick_gelu")),
        )
    # Whatever a person names as weights is opened here, and a damaged file raises almost anything.
    except Exception as error:
        raise ModelError(_cannot_load(spec, weights, error)) from error
    try:
        return model, open_clip.get_tokenizer(spec.architecture)
    # Some tokenizers need a package that is not installed, or a file of the hub.
    except Exception as error:
        raise ModelError(
            f"the tokenizer of {spec.name!r} cannot be loaded: {_first_line(error)}"
        ) from error


def _check_numbers(spec: ModelSpec, model: torch.nn.Module) -> None:
    """Refuse weights with which every vector would be NaN, and every photo as near as any other."""
    for name, tensor in model.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            place = Path(spec.weights).name if spec.weights else spec.name
            raise ModelError(
                f"{place!r} is damaged: {name!r} holds values that are no finite numbers; get the "
                "file again, or use another model"
            )


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
        version=f"{spec.short_name}@{short}",
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


def _turned(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    turned = tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach().clone()
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(turned, requires_grad=False)
    return turned


def _unit(vectors: torch.Tensor) -> npt.NDArray[np.float32]:
    unit = torch.nn.functional.normalize(vectors.float(), dim=-1)
    return unit.cpu().numpy()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300].rstrip(".: ") if lines else type(error).__name__


def _cannot_load(spec: ModelSpec, weights: str | None, error: Exception) -> str:
    place = Path(weights).name if weights else spec.name
    if isinstance(error, UnpicklingError) or "pickle" in str(error):
        return (
            f"{place!r} is damaged, or holds more than weights and was refused, because loading it "
            "would run what is in it; use a .safetensors file of the same model"
        )
    return (
        f"{place!r} cannot be loaded as {spec.architecture!r}: {_first_line(error)}; check that "
        "the file is whole and belongs to this architecture"
    )
