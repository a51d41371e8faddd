"""How good marque-tiny is: a model embeds scenes, and its answers are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from numpy.typing import NDArray
from PIL import Image

from embeddings.openclip import open_clip
from embeddings.tiny import TINY, TINY_WEIGHTS, register_tiny
from synthetic.scenes import BODY_TYPES, SCENE_COLORS, render
from synthetic.scenes.people import PERSON_AGES, PERSON_KINDS
from synthetic.scenes.scene import article
from synthetic.scenes.write import jpeg_photo
from synthetic.tiny.captions import (
    BODY_TEMPLATES,
    FACT_COLUMNS,
    FLAG_COLUMN,
    HELD_OUT_TEMPLATES,
    PLACE_WORDS,
    VALUES,
    VIEW_WORDS,
    encode_labels,
)
from synthetic.tiny.scenes import is_withheld

UnitVectors = NDArray[np.float32]

PROMPTS: dict[str, list[str]] = {
    "color": [f"a photo of a {color} car" for color in SCENE_COLORS],
    "body_type": [BODY_TEMPLATES[0].format(body) for body in BODY_TYPES],
    "background": [f"a photo of a car {words[0]}" for words in PLACE_WORDS.values()],
    "view": [words[0] for words in VIEW_WORDS.values()],
}
PEOPLE = {
    **{kind: (f"a photo with a {kind}", f"a photo without a {kind}") for kind in PERSON_KINDS},
    "young": ("a photo with a young person", "a photo without a young person"),
    "old": ("a photo with an old person", "a photo without an old person"),
}


@dataclass(frozen=True, slots=True)
class Sample:
    """Scenes as a model sees them: vectors (n, 512) of length 1, facts, and coarse histograms."""

    vectors: UnitVectors
    facts: NDArray[np.int64]
    histograms: UnitVectors
    withheld: NDArray[np.bool_]


class Model:
    """marque-tiny as a user loads it, through open_clip's factory."""

    def __init__(self, weights: str = str(TINY_WEIGHTS)) -> None:
        register_tiny()
        model, _, preprocess = open_clip.create_model_and_transforms(TINY, pretrained=weights)
        self.model: Any = model.eval()
        self.preprocess: Any = preprocess
        self.tokenizer: Any = open_clip.get_tokenizer(TINY)

    def embed_texts(self, texts: Sequence[str]) -> UnitVectors:
        """Texts as vectors of length 1, (n, 512)."""
        with torch.inference_mode():
            vectors = self.model.encode_text(self.tokenizer(list(texts)))
            found: UnitVectors = F.normalize(vectors, dim=-1).numpy()
        return found

    def embed_images(self, images: Sequence[Image.Image]) -> UnitVectors:
        """Pictures as vectors of length 1, (n, 512)."""
        with torch.inference_mode():
            batch = torch.stack([self.preprocess(image) for image in images])
            found: UnitVectors = F.normalize(self.model.encode_image(batch), dim=-1).numpy()
        return found


def sample_scenes(model: Model, seed: int, count: int) -> Sample:
    """Render `count` scenes from `seed` on, as JPEG files of the default size, and embed them."""
    vectors, facts, histograms, withheld = [], [], [], []
    for start in range(seed, seed + count, 64):
        images = []
        for number in range(start, min(start + 64, seed + count)):
            scene = render(number)
            images.append(jpeg_photo(scene))
            facts.append(encode_labels(scene.labels))
            histograms.append(_histogram(images[-1]))
            withheld.append(is_withheld(scene.labels))
        vectors.append(model.embed_images(images))
    return Sample(
        np.concatenate(vectors), np.array(facts), np.stack(histograms), np.array(withheld)
    )


def _histogram(image: Image.Image) -> UnitVectors:
    """The shares of 6 x 6 x 6 colors: all information in a picture without shapes."""
    levels = np.asarray(image).reshape(-1, 3).astype(np.int64) * 6 // 256
    codes = levels @ np.array([36, 6, 1])
    return np.sqrt(np.bincount(codes, minlength=216) / len(codes)).astype(np.float32)


def reworded_prompts(name: str) -> list[list[str]]:
    """Class prompts of an attribute in the wordings that training never had; none of a view."""
    things = {
        "color": [f"{color} car" for color in SCENE_COLORS],
        "body_type": list(BODY_TYPES),
        "background": [f"car {words[0]}" for words in PLACE_WORDS.values()],
    }
    return [
        [template.format(a=article(thing), car=thing) for thing in things[name]]
        for template in HELD_OUT_TEMPLATES
        if name in things
    ]


def zero_shot(
    model: Model, sample: Sample, name: str, prompts: Sequence[str] | None = None
) -> NDArray[np.bool_]:
    """Of each photo that has the attribute, whether the nearest class prompt is the right one.

    `prompts` has one text for each value, in order; by default those of PROMPTS.
    """
    truth = sample.facts[:, FACT_COLUMNS[name]]
    known = truth >= 0
    nearest = (sample.vectors @ model.embed_texts(prompts or PROMPTS[name]).T).argmax(1)
    right: NDArray[np.bool_] = (nearest == truth)[known]
    return right


def people_accuracy(model: Model, sample: Sample, word: str) -> tuple[float, float]:
    """Whether a kind or age of people is there: accuracy, and the mean over there and not there."""
    yes, no = model.embed_texts(PEOPLE[word])
    seen = sample.facts[:, FACT_COLUMNS["view"]] == 0
    said = (sample.vectors @ yes > sample.vectors @ no)[seen]
    truth = sample.facts[seen, FLAG_COLUMN + [*PERSON_KINDS, *PERSON_AGES].index(word)] == 1
    hits = said == truth
    return float(hits.mean()), float((hits[truth].mean() + hits[~truth].mean()) / 2)


def precision_at_10(model: Model, sample: Sample, template: str) -> tuple[float, int]:
    """Mean share of right photos among the first 10, over color and body-type pairs.

    Searched are the exteriors; `template` has `{}` for the car. Pairs with fewer than 10 photos
    cannot reach 1 and are left out; the second number is how many pairs remain. Raises
    `ValueError` where none does.
    """
    seen = sample.facts[:, FACT_COLUMNS["view"]] == 0
    vectors, facts = sample.vectors[seen], sample.facts[seen]
    scores = []
    for i, color in enumerate(SCENE_COLORS):
        texts = [template.format(f"{color} {body}") for body in BODY_TYPES]
        for j, query in enumerate(model.embed_texts(texts)):
            fit = (facts[:, 0] == i) & (facts[:, 1] == j)
            if fit.sum() >= 10:
                first = np.argsort(-(vectors @ query), kind="stable")[:10]
                scores.append(fit[first].mean())
    if not scores:
        raise ValueError(
            f"no pair of color and body type has ten photos among {len(facts)}; measure on more, "
            "4000 scenes have all pairs"
        )
    return float(np.mean(scores)), len(scores)


def histogram_accuracy(train: Sample, test: Sample, name: str) -> float:
    """How far colors alone go: a linear classifier on color histograms, trained on `train`.

    A control: where it does well, the scenes give the attribute away by their colors.
    """
    torch.manual_seed(0)
    column = FACT_COLUMNS[name]
    keep, kept = train.facts[:, column] >= 0, test.facts[:, column] >= 0
    x = torch.from_numpy(train.histograms[keep])
    y = torch.from_numpy(train.facts[keep, column])
    layer = torch.nn.Linear(x.shape[1], len(VALUES[name]))
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05, weight_decay=1e-5)
    for _ in range(400):
        optimizer.zero_grad()
        F.cross_entropy(layer(x), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.inference_mode():
        found = layer(torch.from_numpy(test.histograms[kept])).argmax(1).numpy()
    return float((found == test.facts[kept, column]).mean())
