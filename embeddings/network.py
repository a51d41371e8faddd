"""A network with pictures as input: its weights, device, number type and preprocessing."""

import copy
import hashlib
from typing import Self

import torch

from embeddings.preparation import Picture, Preparation
from embeddings.registry import ModelError
from embeddings.tuning import Dtype

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class PictureNetwork:
    """The base of every encoder of pictures; `preparation` is its preprocessing."""

    def __init__(self, model: torch.nn.Module, preparation: Preparation, device: str) -> None:
        self.device = device
        self.preparation = preparation
        self._model = model.to(memory_format=torch.channels_last)
        self._dtype = next(model.parameters()).dtype
        self._mean, self._std = (
            torch.tensor(values, device=device)[:, None, None]
            for values in (preparation.mean, preparation.std)
        )

    def in_dtype(self, dtype: Dtype) -> Self:
        """This encoder, or a copy that computes in another type, made fit for many photos."""
        wanted = DTYPES[dtype]
        if wanted == self._dtype:
            return self._for_many()
        # Each tensor is turned while it is copied: a whole copy first would double the memory.
        faster = self._for_many()
        tensors = (*faster._model.parameters(), *faster._model.buffers())
        turned = {id(each): _turned(each, wanted) for each in tensors}
        other = copy.copy(self)
        other._model = copy.deepcopy(faster._model, turned)
        other._dtype = wanted
        return other

    def _for_many(self) -> Self:
        """This encoder, or one whose network answers alike and is faster, if making it takes time
        that a single photo is not worth."""
        return self

    def _values(self, pictures: Picture) -> torch.Tensor:
        """Prepared pictures (n, height, width, 3) -> what the network takes (n, 3, height, width).

        The same two steps as torchvision's ToTensor and Normalize, to the last bit, but once for
        a batch and where the model is.
        """
        batch = torch.from_numpy(pictures)
        if self.device.startswith("cuda"):
            batch = batch.pin_memory()
        values = batch.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)
        values.sub_(self._mean).div_(self._std)
        return values.to(self._dtype, memory_format=torch.channels_last)


def pick_device() -> str:
    """The best device torch can use here: cuda, mps or cpu."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def place(model: torch.nn.Module, device: str, precision: str) -> str:
    """Move a network to `device` (`auto`, or any name torch takes) in `precision`, for inference.

    Returns the device's name. Raises `ModelError`.
    """
    where = pick_device() if device == "auto" else device
    try:
        model.eval().to(where, DTYPES[precision])
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"device {device!r} cannot be used here: {first_line(error)}; set MARQUE_DEVICE=auto"
        ) from error
    return where


def check_precision(precision: str) -> None:
    """Raise `ModelError` for a precision that is not known."""
    if precision not in DTYPES:
        raise ModelError(f"precision {precision!r} is not known; use one of {', '.join(DTYPES)}")


def check_numbers(model: torch.nn.Module, file: str) -> None:
    """Refuse weights, by the name of their `file`, with which every answer would be NaN."""
    for name, tensor in model.state_dict().items():
        if not bool(torch.isfinite(tensor).all()):
            raise ModelError(
                f"{file!r} is damaged: {name!r} holds values that are not finite numbers; get the "
                "file again, or use another model"
            )


def weights_sha256(model: torch.nn.Module) -> str:
    """sha256, hex, over the names, shapes and float32 values of a model's state."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy())
    return digest.hexdigest()


def first_line(error: Exception) -> str:
    """The first line of an error's message; its class where the message is empty."""
    lines = str(error).strip().splitlines()
    return lines[0][:300].rstrip(".: ") if lines else type(error).__name__


def _turned(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    turned = tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach().clone()
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(turned, requires_grad=False)
    return turned
