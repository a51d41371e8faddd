"""Trains marque-tiny on scenes that are rendered as it goes: `python -m synthetic.tiny.train`.

Two losses: contrastive with several positives (a caption is positive for every photo it fits), and
cross-entropy over the class prompts of each attribute.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from torch import Tensor

from embeddings.openclip import open_clip
from embeddings.tiny import TINY, TINY_WEIGHTS, register_tiny
from synthetic.scenes.dice import Dice
from synthetic.tiny.captions import (
    FACT_COLUMNS,
    FLAG_COLUMN,
    VALUES,
    class_prompts,
    draw_caption,
    fits,
    people_prompts,
)
from synthetic.tiny.learning import NetworkTrainer, run_training
from synthetic.tiny.scenes import Facts, RgbPixels, training_batches

TRAINING_BATCH = 96
CAPTIONS = 72
PEAK_RATE = 2e-3
STEPS = 6000
WEIGHTS_OF = {"color": 1.0, "body_type": 1.6, "background": 0.8, "view": 0.5}


def normalized_pixels(pixels: RgbPixels) -> Tensor:
    """Pixels as the model's input: (n, 3, side, side), normalized as open_clip's default does."""
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
        truth = facts[:, FACT_COLUMNS[name]]
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
    seen = facts[:, FACT_COLUMNS["view"]] == 0
    return F.binary_cross_entropy_with_logits((yes - no)[seen], truth[seen]) * 5


class EmbeddingTrainer(NetworkTrainer):
    """marque-tiny, its optimizer and its stream of scenes."""

    module, weights = "synthetic.tiny.train", TINY_WEIGHTS
    batch, peak_rate, steps = TRAINING_BATCH, PEAK_RATE, STEPS
    network: Any  # open_clip has no types

    def __init__(self, seed: int, steps: int) -> None:
        super().__init__(seed, steps)
        self.tokenizer = open_clip.get_tokenizer(TINY)
        self.dice = Dice(seed, 4)
        self.batches: Iterator[tuple[RgbPixels, Facts]] = training_batches(seed, TRAINING_BATCH)

    def make_network(self) -> Any:
        """open_clip's model of that name."""
        register_tiny()
        return open_clip.create_model(TINY)

    def loss(self) -> Tensor:
        """Both losses of the next batch."""
        pixels, rows = next(self.batches)
        facts = torch.from_numpy(rows)
        shown = self.dice.rng.permutation(len(rows))[:CAPTIONS]
        captions = [draw_caption(rows[i].tolist(), self.dice) for i in shown]
        positive = torch.from_numpy(fits(captions, rows))
        prompts = class_prompts(self.dice)
        pairs = [text for pair in people_prompts(self.dice) for text in pair]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            photos = self.network.encode_image(normalized_pixels(pixels))
        photos = F.normalize(photos.float(), dim=-1)
        tokens = self.tokenizer([c.text for c in captions] + prompts + pairs)
        texts = F.normalize(self.network.encode_text(tokens), dim=-1)
        similarity = self.network.logit_scale.exp() * texts @ photos.T
        n, m = len(captions), len(captions) + len(prompts)
        loss = contrastive_loss(similarity[:n], positive)
        loss = loss + attribute_loss(similarity[n:m].T, facts)
        return loss + people_loss(similarity[m:].T, facts)

    def step(self, number: int) -> float:
        """Learn from one batch, with the scale of the scores kept in bounds."""
        loss = super().step(number)
        with torch.no_grad():
            self.network.logit_scale.clamp_(0, math.log(50))
        return loss


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the weights; progress goes to standard error."""
    run_training(EmbeddingTrainer, __doc__, arguments)


if __name__ == "__main__":
    main()
