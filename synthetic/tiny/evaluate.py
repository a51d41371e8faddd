"""Measures marque-tiny on scenes it was not trained on: `python -m synthetic.tiny.evaluate`.

The table goes to standard output; with `--card FILE` it also replaces the measured part of the
model card, between its two marks.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from embeddings.tiny import TINY_WEIGHTS
from synthetic.tiny.captions import FACT_COLUMNS, HELD_OUT_TEMPLATES, VALUES
from synthetic.tiny.measure import (
    PEOPLE,
    Model,
    Sample,
    histogram_accuracy,
    people_accuracy,
    precision_at_10,
    reworded_prompts,
    sample_scenes,
    zero_shot,
)
from synthetic.tiny.scenes import EVALUATION_SEED
from synthetic.tiny.table import LIMITS, WANTED, WANTED_PEOPLE, WANTED_PRECISION, Score, score_table

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
QUESTIONS = ("a photo of a {}", "{}")
REWORDED = tuple(text.replace("{a} {car}", "a {}") for text in HELD_OUT_TEMPLATES)


def measured(model: Model, test: Sample, train: Sample) -> str:
    """The measured numbers as Markdown; `train` serves the color histograms only."""
    people = {word: people_accuracy(model, test, word) for word in PEOPLE}
    answers = {text: precision_at_10(model, test, text) for text in QUESTIONS + REWORDED}
    scores = [_attribute_score(model, test, train, name) for name in VALUES]
    scores += [
        Score(f"people: {word}", there, WANTED_PEOPLE) for word, (_, there) in people.items()
    ]
    scores.append(
        Score(
            f'precision@10 of "{QUESTIONS[0].format("[color] [body_type]")}"',
            answers[QUESTIONS[0]][0],
            WANTED_PRECISION,
            reworded=float(np.mean([answers[text][0] for text in REWORDED])),
        )
    )
    lines = [
        f"{len(test.facts)} scenes from seed {EVALUATION_SEED} on, as JPEG files of the default "
        "size; none of them was used in training.",
        "",
        score_table(scores),
        "",
        "| who is there | accuracy | mean of there and not there |",
        "|---|---|---|",
        *(f"| {word} | {plain:.3f} | {there:.3f} |" for word, (plain, there) in people.items()),
        "",
        "| question | precision@10 | pairs |",
        "|---|---|---|",
    ]
    for text, (score, pairs) in answers.items():
        mark = " (wording withheld)" if text in REWORDED else ""
        lines.append(f'| "{text.format("[color] [body_type]")}"{mark} | {score:.3f} | {pairs} |')
    return "\n".join(lines)


def _attribute_score(model: Model, test: Sample, train: Sample, name: str) -> Score:
    right = zero_shot(model, test, name)
    apart = test.withheld[test.facts[:, FACT_COLUMNS[name]] >= 0]
    combined = name != "view"  # only exteriors have combinations, and their view is one value
    reworded = [zero_shot(model, test, name, texts).mean() for texts in reworded_prompts(name)]
    return Score(
        f"{name}, zero-shot accuracy",
        float(right.mean()),
        WANTED[name],
        seen=float(right[~apart].mean()) if combined else None,
        withheld=float(right[apart].mean()) if combined else None,
        reworded=float(np.mean(reworded)) if reworded else None,
        colors_alone=histogram_accuracy(train, test, name),
        limit=LIMITS.get(name),
    )


def store_table(card: Path, text: str) -> None:
    """Put the table between the marks of the card; raises `ValueError` where it has none."""
    old = card.read_text()
    if BEGIN not in old or END not in old:
        raise ValueError(f"{card} has no lines {BEGIN!r} and {END!r} to put the table between")
    measured = f"{BEGIN}\n{text}\n{END}"
    found = re.sub(f"{re.escape(BEGIN)}.*{re.escape(END)}", lambda _: measured, old, flags=re.S)
    card.write_text(found)


def run_evaluation(
    module: str,
    about: str | None,
    weights: Path,
    count: int,
    measure: Callable[[Path, int], str],
    arguments: Sequence[str] | None,
) -> None:
    """The command that measures a network; `about` is its help.

    `measure` makes the table from the weights and the number of scenes, by default `count`.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("--count", type=int, default=count, help="scenes to measure on")
    parser.add_argument("--weights", type=Path, default=weights, help="weights to measure")
    parser.add_argument("--card", type=Path, help="model card whose table is replaced")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    options = parser.parse_args(arguments)
    if options.count < 1:
        parser.error(f"--count is {options.count}; at least one scene must be measured")
    torch.set_num_threads(options.threads)
    text = measure(options.weights, options.count)
    sys.stdout.write(text + "\n")
    if options.card:
        store_table(options.card, text)


def evaluate(weights: Path, count: int) -> str:
    """The measured numbers of these weights, on `count` scenes, as Markdown."""
    model = Model(str(weights.resolve()))
    test = sample_scenes(model, EVALUATION_SEED, count)
    return measured(model, test, sample_scenes(model, EVALUATION_SEED // 2, count))


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, embed, measure, and write the table."""
    run_evaluation("synthetic.tiny.evaluate", __doc__, TINY_WEIGHTS, 4000, evaluate, arguments)


if __name__ == "__main__":
    main()
