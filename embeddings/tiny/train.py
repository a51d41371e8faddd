"""Trains marque-tiny on scenes that are rendered as it goes: `python -m embeddings.tiny.train`.

Two losses: contrastive with several positives (a caption is positive for every photo it fits), and
cross-entropy over the class prompts of each attribute.
"""

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from safetensors.torch import save
from torch import Tensor

from crawlers.scenes.dice import Dice
from embeddings.openclip import open_clip
from embeddings.tiny import CONFIG_DIR, NAME, register
from embeddings.tiny.captions import (
    COLUMNS,
    FLAG_COLUMN,
    VALUES,
    class_prompts,
    draw_caption,
    fits,
    people_prompts,
)
from embeddings.tiny.scenes import LAST_SEED, Facts, Pixels, training_batches

BATCH = 96
CAPTIONS = 72
PEAK_RATE = 2e-3
STEPS = 6000
SEED = 1
WEIGHTS_OF = {"color": 1.0, "body_type": 1.6, "background": 0.8, "view": 0.5}


def to_input(pixels: Pixels) -> Tensor:
    """Pixels as the model's input: (n, 3, side, side), normalised as open_clip's default does."""
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    mean = torch.tensor(open_clip.OPENAI_DATASET_MEAN).view(1, 3, 1, 1)
    deviation = torch.tensor(open_clip.OPENAI_DATASET_STD).view(1, 3, 1, 1)
    return ((values - mean) / deviation).contiguous(memory_format=torch.channels_last)


def contrastive_loss(similarity: Tensor, positive: Tensor) -> Tensor:
    """Several positives each way, for (captions, photos) similarities and a mask of what fits.

    Of a caption every photo that fits is to be found (Khosla et al. 2020, "Supervised Contrastive
    Learning", the mean outside the logarithm); of a photo any caption that fits will do.
    """
    by_text = F.log_softmax(similarity, dim=1)
    count = positive.sum(1).clamp(min=1)
    to_photo = -((by_text * positive).sum(1) / count).mean()
    hit = positive.any(0)
    masked = similarity.masked_fill(~positive, -1e4)
    to_text = (torch.logsumexp(similarity, 0) - torch.logsumexp(masked, 0))[hit].mean()
    return to_photo + 0.5 * to_text


def attribute_loss(similarity: Tensor, facts: Tensor) -> Tensor:
    """Cross-entropy over the prompts of each attribute, photos without a value left out."""
    total, start = torch.zeros(()), 0
    for name, values in VALUES.items():
        truth = facts[:, COLUMNS[name]]
        known = truth >= 0
        logits = similarity[:, start : start + len(values)]
        start += len(values)
        if bool(known.any()):
            loss = F.cross_entropy(logits[known], truth[known], label_smoothing=0.02)
            total = total + WEIGHTS_OF[name] * loss
    return total


def people_loss(similarity: Tensor, facts: Tensor) -> Tensor:
    """Whether each kind and age is there, from pairs of prompts that say yes and no."""
    yes, no = similarity[:, 0::2], similarity[:, 1::2]
    truth = facts[:, FLAG_COLUMN : FLAG_COLUMN + yes.shape[1]].float()
    seen = facts[:, COLUMNS["view"]] == 0
    return F.binary_cross_entropy_with_logits((yes - no)[seen], truth[seen]) * 5


class Trainer:
    """The model, its optimiser and its stream of scenes."""

    def __init__(self, seed: int, steps: int) -> None:
        torch.manual_seed(seed)
        register()
        model: Any = open_clip.create_model(NAME)
        self.model = model.to(memory_format=torch.channels_last)
        self.tokenizer = open_clip.get_tokenizer(NAME)
        self.steps = steps
        self.dice = Dice(seed, 4)
        self.batches: Iterator[tuple[Pixels, Facts]] = training_batches(seed, BATCH)
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}],
            lr=PEAK_RATE,
        )

    def rate(self, step: int) -> float:
        """The learning rate: a short rise, then half a cosine down to nearly nothing."""
        rise = min(1.0, (step + 1) / 100)
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return PEAK_RATE * rise * (0.01 + 0.99 * fall)

    def step(self, number: int) -> float:
        """Learn from one batch; the loss before the update."""
        pixels, rows = next(self.batches)
        facts = torch.from_numpy(rows)
        shown = self.dice.rng.permutation(len(rows))[:CAPTIONS]
        captions = [draw_caption(rows[i].tolist(), self.dice) for i in shown]
        positive = torch.from_numpy(fits(captions, rows))
        prompts = class_prompts(self.dice)
        pairs = [text for pair in people_prompts(self.dice) for text in pair]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            photos = self.model.encode_image(to_input(pixels))
        photos = F.normalize(photos.float(), dim=-1)
        tokens = self.tokenizer([c.text for c in captions] + prompts + pairs)
        texts = F.normalize(self.model.encode_text(tokens), dim=-1)
        similarity = self.model.logit_scale.exp() * texts @ photos.T
        n, m = len(captions), len(captions) + len(prompts)
        loss = contrastive_loss(similarity[:n], positive)
        loss = loss + attribute_loss(similarity[n:m].T, facts)
        loss = loss + people_loss(similarity[m:].T, facts)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(number)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(0, math.log(50))
        return float(loss.detach())


def store_weights(model: Any, path: Path) -> None:
    """Write the weights as float16, and beside them their SHA-256 as `sha256sum -c` reads it.

    Both are written aside first, so that a reader never sees half a file.
    """
    state = {k: v.detach().half().contiguous() if v.is_floating_point() else v
             for k, v in model.state_dict().items()}  # fmt: skip
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(save(state))  # save_file would leave a file that only its owner can read
    aside.replace(path)
    store_checksum(path)


def store_checksum(path: Path) -> Path:
    """Write `<path>.sha256`, a line in the format of sha256sum; the file written."""
    beside = path.with_name(f"{path.name}.sha256")
    aside = path.with_name(f".{beside.name}.part")
    aside.write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    aside.replace(beside)
    return beside


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the weights; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m embeddings.tiny.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"batches of {BATCH} scenes")
    parser.add_argument("--seed", type=int, default=SEED, help="of scenes, captions and weights")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--out", type=Path, default=CONFIG_DIR, help="folder for the weights")
    options = parser.parse_args(arguments)
    if not 1 <= options.seed < LAST_SEED:
        parser.error(
            f"--seed is {options.seed}; give 1 to {LAST_SEED - 1}, for the scenes of others are "
            "those that the model is evaluated on"
        )
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(options.seed, options.steps)
    trainer.model.train()
    _learn(trainer, options.steps, options.out / f"{NAME}.safetensors")


def _learn(trainer: Trainer, steps: int, path: Path) -> None:
    """All steps; the weights are written now and then, so that a broken run leaves something."""
    losses = []
    for number in range(steps):
        losses.append(trainer.step(number))
        if (number + 1) % 50 == 0:
            mean, spent = np.mean(losses[-50:]), time.process_time() / 60
            sys.stderr.write(f"step {number + 1}/{steps} loss {mean:.3f} {spent:.1f} core-min\n")
        if (number + 1) % 250 == 0 or number + 1 == steps:
            store_weights(trainer.model, path)
    spent = time.process_time() / 60
    sys.stderr.write(f"written: {path} after {spent:.1f} core-minutes, scenes included\n")


if __name__ == "__main__":
    main()
