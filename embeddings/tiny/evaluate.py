"""Measures marque-tiny on scenes it was not trained on: `python -m embeddings.tiny.evaluate`.

The table goes to standard output; with `--card FILE` it also replaces the measured part of the
model card, between its two marks.
"""

import argparse
import re
import sys
from pathlib import Path

import numpy as np
import torch

from embeddings.tiny import WEIGHTS
from embeddings.tiny.captions import HELD_OUT_TEMPLATES, VALUES
from embeddings.tiny.measure import (
    PEOPLE,
    Model,
    Sample,
    histogram_accuracy,
    people_accuracy,
    precision_at_10,
    sample_scenes,
    zero_shot,
)
from embeddings.tiny.scenes import EVALUATION_SEED

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(model: Model, test: Sample, train: Sample) -> str:
    """The measured numbers as Markdown."""
    lines = [
        f"{len(test.facts)} scenes from seed {EVALUATION_SEED} on, as JPEG files of the default "
        "size; none of them was used in training.",
        "",
        "| what | all | combinations in training | combinations withheld | colours alone |",
        "|---|---|---|---|---|",
    ]
    for name in VALUES:
        right = zero_shot(model, test, name)
        known = test.facts[:, list(VALUES).index(name)] >= 0
        apart = test.withheld[known]
        split = (
            "- | -" if name == "view" else f"{right[~apart].mean():.3f} | {right[apart].mean():.3f}"
        )
        alone = histogram_accuracy(train, test, name)
        lines.append(f"| {name}, zero-shot accuracy | {right.mean():.3f} | {split} | {alone:.3f} |")
    lines += ["", "| who is there | accuracy | mean of there and not there |", "|---|---|---|"]
    scores = [people_accuracy(model, test, word) for word in PEOPLE]
    lines += [f"| {w} | {a:.3f} | {b:.3f} |" for w, (a, b) in zip(PEOPLE, scores, strict=True)]
    means = np.mean(scores, axis=0)
    lines.append(f"| mean | {means[0]:.3f} | {means[1]:.3f} |")
    lines += ["", "| text search over exteriors | precision@10 | pairs |", "|---|---|---|"]
    for template in ("a photo of a {}", "{}", *_held_out()):
        score, pairs = precision_at_10(model, test, template)
        mark = " (wording never trained)" if template in _held_out() else ""
        lines.append(
            f'| "{template.format("[color] [body_type]")}"{mark} | {score:.3f} | {pairs} |'
        )
    return "\n".join(lines)


def _held_out() -> list[str]:
    return [t.replace("{a} {car}", "a {}") for t in HELD_OUT_TEMPLATES]


def store_table(card: Path, text: str) -> None:
    """Put the table between the marks of the card; raises `ValueError` where it has none."""
    old = card.read_text()
    if BEGIN not in old or END not in old:
        raise ValueError(f"{card} has no lines {BEGIN!r} and {END!r} to put the table between")
    measured = f"{BEGIN}\n{text}\n{END}"
    found = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: measured, old, flags=re.S)
    card.write_text(found)


def main() -> None:
    """Render, embed, measure, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m embeddings.tiny.evaluate", description=__doc__)
    parser.add_argument("--count", type=int, default=4000, help="scenes to measure on")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="weights to measure")
    parser.add_argument("--card", type=Path, help="model card whose table is replaced")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = Model(str(options.weights.resolve()))
    test = sample_scenes(model, EVALUATION_SEED, options.count)
    train = sample_scenes(model, EVALUATION_SEED // 2, options.count)
    text = table(model, test, train)
    sys.stdout.write(text + "\n")
    if options.card:
        store_table(options.card, text)


if __name__ == "__main__":
    main()
