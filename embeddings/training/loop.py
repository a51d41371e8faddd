"""The loop of every training: epochs, early stopping, checkpoints to go on from, progress.

What is learned is a `Task`. An interrupted training that is started again ends in the weights of an
undisturbed one, bit for bit: the batches of an epoch follow from the seed and the epoch's number
alone, and a checkpoint holds everything else that changes.
"""

import io
import math
import pickle
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import MarqueError
from core.files import atomic_write

CHECKPOINT = "checkpoint.pt"
_RISE = 20  # steps until the full rate: Adam's first steps know nothing of the gradients' size


class TrainingError(MarqueError):
    """A training cannot be begun or continued; the message says what to do."""


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How long to train: at most `epochs`, and no longer than `patience` of them without a better
    score; or as far as epoch `last` of so many, whose weights are kept whatever the scores are.
    `seed` decides everything that is drawn."""

    epochs: int = 10
    patience: int = 3
    seed: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """What came of one epoch; number 0 is the network before any training.

    `loss` is the mean over its steps (NaN before training), `score` what early stopping goes by,
    larger is better, `chosen` what reached it. `photos` were seen in `seconds` of training.
    """

    number: int
    loss: float
    score: float
    chosen: str
    photos: int
    seconds: float


class Task(Protocol):
    """What is learned: a module, its losses, and its score on held-out photos."""

    module: nn.Module
    fingerprint: str
    """Names data and settings: a checkpoint of another task is refused."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        """What is trained, in groups with a rate `lr` each, as torch's optimizers take them."""
        ...

    def batches(self, draw: np.random.Generator) -> Iterable[tuple[Any, int]]:
        """The batches of one epoch, and the number of photos in each."""
        ...

    def loss(self, batch: Any) -> Tensor:
        """The loss of a batch, a scalar."""
        ...

    def score(self) -> tuple[float, str]:
        """The score on held-out photos, larger is better, and what of the network reached it."""
        ...


@dataclass(slots=True)
class _State:
    """All that changes while a task is trained."""

    task: Task
    optimizer: torch.optim.Optimizer
    epochs: list[Epoch]
    best: dict[str, Tensor]


def train(
    task: Task,
    settings: LoopSettings,
    folder: Path,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> list[Epoch]:
    """Train; afterwards the task's module has the weights of its best epoch, or of the last.

    After each epoch a checkpoint is written into `folder`; one that is there is continued from.
    The rate rises over the first steps and falls by half a cosine over all epochs (Loshchilov and
    Hutter 2017). Raises `TrainingError` for a loss that is no number, and for a checkpoint that is
    damaged or of another training.
    """
    torch.manual_seed(settings.seed)
    optimizer = torch.optim.AdamW(task.parameter_groups())
    rates = [float(group["lr"]) for group in optimizer.param_groups]
    state = _State(task, optimizer, [], {})
    place, name = folder / CHECKPOINT, f"{task.fingerprint} {asdict(settings)}"
    if place.exists():
        _restore(state, place, name)
    else:
        _finish(state, Epoch(0, math.nan, *task.score(), 0, 0.0))
        _store(state, place, name)
        on_epoch(state.epochs[-1])
    while (number := len(state.epochs)) <= (settings.last or settings.epochs):
        if not settings.last and number - best_epoch(state.epochs).number > settings.patience:
            break
        draw = np.random.default_rng((settings.seed, number))
        done = (number - 1) / settings.epochs
        started = time.perf_counter()
        losses, photos = _run_epoch(state, draw, rates, done, 1 / settings.epochs)
        seconds = time.perf_counter() - started
        _finish(state, Epoch(number, float(np.mean(losses)), *task.score(), photos, seconds))
        _store(state, place, name)
        on_epoch(state.epochs[-1])
    if not settings.last:
        task.module.load_state_dict(state.best)
    return state.epochs


def best_epoch(epochs: Iterable[Epoch]) -> Epoch:
    """The first of the epochs with the best score."""
    return max(epochs, key=lambda each: (each.score, -each.number))


def _run_epoch(
    state: _State, draw: np.random.Generator, rates: list[float], done: float, share: float
) -> tuple[list[float], int]:
    """Train on the batches of an epoch, which is `share` of the whole, of which `done` is done."""
    losses, photos, number = [], 0, len(state.epochs)
    batches = list(state.task.batches(draw))
    for step, (batch, count) in enumerate(batches):
        at = done + share * step / len(batches)
        rise = 1.0 if done else min(1.0, (step + 1) / _RISE)
        for group, rate in zip(state.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * rise * 0.5 * (1 + math.cos(math.pi * at))
        loss = state.task.loss(batch)
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss is {value} at step {step + 1} of epoch {number}, so nothing more can be "
                f"learned; train at a lower rate (it was {rates[0]:g}) into a new folder. The "
                f"checkpoint of epoch {number - 1} is kept"
            )
        state.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        state.optimizer.step()
        losses.append(value)
        photos += count
    return losses, photos


def _finish(state: _State, epoch: Epoch) -> None:
    state.epochs.append(epoch)
    if best_epoch(state.epochs) is epoch:
        module = state.task.module
        state.best = {name: value.detach().clone() for name, value in module.state_dict().items()}


def _store(state: _State, place: Path, name: str) -> None:
    content = io.BytesIO()
    torch.save(
        {
            "name": name,
            "module": state.task.module.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "best": state.best,
            "epochs": [asdict(each) for each in state.epochs],
            "random": torch.get_rng_state(),
        },
        content,
    )
    atomic_write(place, content.getvalue())


def _restore(state: _State, place: Path, name: str) -> None:
    try:
        stored: Mapping[str, Any] = torch.load(place, map_location="cpu", weights_only=True)
        found = stored["name"]
    # A damaged file raises almost anything.
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"the checkpoint {str(place)!r} cannot be read ({type(error).__name__}); delete it to "
            "begin again"
        ) from error
    if found != name:
        raise TrainingError(
            f"the checkpoint {str(place)!r} is of another training, with other photos or settings; "
            "train into a new folder, or delete the checkpoint"
        )
    state.task.module.load_state_dict(stored["module"])
    state.optimizer.load_state_dict(stored["optimizer"])
    state.best = dict(stored["best"])
    state.epochs = [Epoch(**each) for each in stored["epochs"]]
    torch.set_rng_state(stored["random"])
